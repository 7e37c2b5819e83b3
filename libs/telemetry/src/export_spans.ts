import { exportSpans } from './spans.ts';

export interface SpanExportOptions {
  /** Of a collector, without the path of the signal: `http://127.0.0.1:4318`. */
  readonly endpoint: string;
  readonly service: string;
}

/** What is left when a process ends is sent within this. */
const FLUSH_TIMEOUT_MS = 2_000;

/**
 * Starts exporting the spans of this process as OTLP over HTTP. The SDK is loaded here and nowhere else, because it costs a
 * second and a hundred megabytes; it also reads the usual OTEL_* variables of the process. All spans are our own: nothing
 * is patched, and no loader hook is needed. Resolves to the function that sends what is left, which never rejects.
 */
export async function startSpanExport({ endpoint, service }: SpanExportOptions): Promise<() => Promise<void>> {
  const [{ NodeSDK }, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ]);
  const sdk = new NodeSDK({
    // replicas are told apart by host and process, which the SDK finds by itself
    serviceName: `warren-${service}`,
    traceExporter: new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` }),
    instrumentations: [],
    metricReaders: [],
    logRecordProcessors: [],
  });
  sdk.start();
  exportSpans();
  return async () => {
    const late = new Promise<void>((resolve) => void setTimeout(resolve, FLUSH_TIMEOUT_MS).unref());
    await Promise.race([sdk.shutdown().catch(() => undefined), late]);
  };
}
