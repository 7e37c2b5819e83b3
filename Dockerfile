# One file for every app: docker build --build-arg APP=gateway -t warren-gateway .
# Node runs the TypeScript itself, so the image keeps the layout of the workspace and there is no compiled output.
ARG NODE_IMAGE=docker.io/library/node:24.21.0-bookworm-slim

# The packages of every app: made again only when the lock changes, and shared by the images of all apps.
FROM ${NODE_IMAGE} AS fetch
ENV CI=true
RUN npm install --global --ignore-scripts --no-audit --no-fund pnpm@11.28.11
WORKDIR /fetch
COPY pnpm-lock.yaml pnpm-workspace.yaml ./
RUN pnpm fetch --prod --store-dir /pnpm/store

FROM fetch AS install
ARG APP
WORKDIR /warren
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml tsconfig.base.json tsconfig.json rabbitmq_topology.ts ./
COPY apps ./apps
COPY libs ./libs
COPY examples ./examples
COPY tools ./tools
COPY tests/package.json ./tests/package.json
COPY bench/package.json ./bench/package.json
RUN pnpm install --offline --prod --frozen-lockfile --store-dir /pnpm/store \
      --config.package-import-method=copy --filter-prod "@warren/${APP}..."

FROM ${NODE_IMAGE} AS runtime
ARG APP
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/tmp/node_compile_cache \
    WARREN_APP=${APP}
WORKDIR /warren
COPY --from=install --chown=root:root /warren ./
USER node
STOPSIGNAL SIGTERM
CMD ["sh", "-c", "exec node apps/${WARREN_APP}/src/main.ts"]
