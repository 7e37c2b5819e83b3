/** What the auth domain needs to know of its deployment. */
export interface AuthDomainSettings {
  /** `iss` of every token. */
  readonly tokenIssuer: string;
  readonly accessTokenTtlSeconds: number;
  /** A refresh token that is not used for this long stops working. */
  readonly refreshTokenTtlSeconds: number;
  /** A session ends after this time, however often it is used. */
  readonly sessionTtlSeconds: number;
  /** 32 bytes that encrypt the private signing keys in the database. */
  readonly keyEncryptionKey: Buffer;
}
