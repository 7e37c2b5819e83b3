/** Where the messages of a listener come from. */
export interface WorkSource {
  /** Whether messages come at this moment. */
  readonly consuming: boolean;
  /**
   * Resolves when messages come, at most `limit` unsettled ones at a time where it is given. May be called again after
   * `hold` and `cancel`.
   */
  start(limit?: number): Promise<void>;
  /** Ends the flow for a while: when it resolves, no further message comes. */
  hold(): Promise<void>;
  /** As `hold`, for long: what this process alone may take is left to others. */
  cancel(): Promise<void>;
  /** Ends it for good. What is not settled by now goes back to the queue. */
  close(): Promise<void>;
}
