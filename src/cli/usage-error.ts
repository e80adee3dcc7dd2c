/** The command line or the environment says something that cannot be meant. Exit code 2, and no stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
