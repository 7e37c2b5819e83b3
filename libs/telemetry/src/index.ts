export { type Counter, type Gauge, type Histogram, type LabelValues, Metrics } from './metrics.ts';
