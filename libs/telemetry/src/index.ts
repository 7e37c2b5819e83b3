export { startSpanExport } from './export_spans.ts';
export {
  type Counter,
  type CounterSeries,
  type Gauge,
  type Histogram,
  type HistogramSeries,
  Metrics,
} from './metrics.ts';
export { isTracing, startSpan, type WorkSpan } from './spans.ts';
