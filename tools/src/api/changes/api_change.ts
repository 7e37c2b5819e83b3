/** One way in which a new document breaks those who rely on the one before. */
export interface ApiChange {
  /** What a changelog entry has to name, so that it can be seen that this very change is meant. */
  readonly names: readonly string[];
  /** What is different: `auth.register: field "invite" of the request is required now`. */
  readonly what: string;
  /** Whom that breaks, and how they notice. */
  readonly breaks: string;
}

/** Compares two versions of one document: what breaks by going from one to the other. Knows nothing of files and git. */
export type Compare<Document> = (before: Document, after: Document) => readonly ApiChange[];
