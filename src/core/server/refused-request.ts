/** A request that was never sent: it says so where its response is asked for (OTP: `{error, noproc}` is a response). */
import type { Request } from './runtime.js'

export class RefusedRequest implements Request {
  readonly revision = undefined

  constructor(private readonly error: unknown) {}

  get response(): Promise<never> {
    return Promise.reject(this.error)
  }

  abandon(): void {}
}
