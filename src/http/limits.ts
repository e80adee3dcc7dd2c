/** The limits of a gateway where nothing else is said. A file of its own: the help tells them without loading a gateway. */
export const defaultLimits = {
  /** Bytes. */
  bodyLimit: 256 * 1024,
  /** The times are milliseconds. */
  requestTimeout: 60_000,
  headersTimeout: 15_000,
  keepAliveTimeout: 10_000,
  /** By how much the event loop may be late before requests are refused; 0 is for ever. */
  maxEventLoopDelay: 0,
  /** Connections that are open at once. */
  maxConnections: 20_000,
  /** Event streams that are open at once, of all clients together. */
  eventStreams: 10_000,
  /** Milliseconds for which the answer to a request with a key is known. */
  idempotencyRetention: 86_400_000,
} as const
