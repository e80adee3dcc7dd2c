/** What a runtime is bounded by where nothing else is said; what each means, `RuntimeOptions` says. */
export const defaultBounds = {
  maxRestarts: 10,
  maxSeconds: 5,
  maxQueued: 100_000,
  maxQueuedBytes: 256 * 1024 * 1024,
  maxStateBytes: 256 * 1024,
  maxAttempts: 5,
  rememberExits: 600_000,
  idle: 300_000,
} as const
