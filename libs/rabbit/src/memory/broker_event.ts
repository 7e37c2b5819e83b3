/** Something that happened in the broker, for tests that compare two runs. */
export interface BrokerEvent {
  readonly atMs: number;
  readonly what: string;
  /** The connection by its name, a queue or an exchange. */
  readonly subject: string;
  readonly messageId: string | undefined;
}
