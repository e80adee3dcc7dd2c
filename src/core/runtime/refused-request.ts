/** A request that was never sent: it says so where its response is asked for (OTP: `{error, noproc}` is a response). */
import type { Request } from './runtime.js'

export class RefusedRequest implements Request {
  readonly revision = undefined
  readonly settled = true

  constructor(private readonly error: unknown) {}

  whenSettled(tell: (error: Error) => void): void {
    tell(this.error as Error)
  }

  whenOverdue(): void {}

  get replyText(): never {
    throw this.error
  }

  get response(): Promise<never> {
    return Promise.reject(this.error)
  }

  abandon(): void {}
}
