/** Port: where the runtime and the implementations log. A pino logger fits. */
export interface Logger {
  trace(fields: object, message?: string): void
  debug(fields: object, message?: string): void
  info(fields: object, message?: string): void
  warn(fields: object, message?: string): void
  error(fields: object, message?: string): void
  child(fields: object): Logger
}

/**
 * Logs what went wrong, and never fails: an error with a getter that throws cannot be shown, and a logger may be broken
 * itself, but what reports a crash must not crash of it.
 */
export function logError(logger: Logger, fields: { readonly [key: string]: unknown }, message: string): void {
  const { err, ...shown } = fields
  try {
    logger.error(err === undefined ? shown : fields, message)
  } catch {
    try {
      logger.error(shown, message)
    } catch {
      // There is nobody left to tell.
    }
  }
}

/** Logs nothing: the default of an embedded runtime. */
export const silentLogger: Logger = {
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
}
