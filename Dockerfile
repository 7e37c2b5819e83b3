# syntax=docker/dockerfile:1
# One file for every app: docker build --build-arg APP=gateway -t warren-gateway .
# Node runs the TypeScript itself, so the image keeps the layout of the workspace and there is no compiled output.
ARG NODE_IMAGE=docker.io/library/node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS install
ARG APP
ENV CI=true
RUN npm install --global --ignore-scripts --no-audit --no-fund pnpm@11.28.11
WORKDIR /warren
COPY pnpm-lock.yaml pnpm-workspace.yaml ./
RUN --mount=type=cache,id=pnpm-store,target=/pnpm/store pnpm fetch --prod --store-dir /pnpm/store
COPY package.json tsconfig.base.json tsconfig.json rabbitmq_topology.ts ./
COPY apps ./apps
COPY libs ./libs
COPY examples ./examples
COPY tools ./tools
COPY tests/package.json ./tests/package.json
COPY bench/package.json ./bench/package.json
RUN --mount=type=cache,id=pnpm-store,target=/pnpm/store \
    pnpm install --offline --prod --frozen-lockfile --store-dir /pnpm/store \
      --config.package-import-method=copy --filter "@warren/${APP}..."

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
