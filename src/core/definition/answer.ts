/**
 * What a callback returns when it is not the plain reply. They are made by `ctx`, never by hand, so that a reply that
 * happens to look like one cannot be taken for it.
 */
import type { Reason } from '../kernel/reason.js'

/** The caller waits on (OTP: `{noreply, State}`). */
export class NoReply {
  protected readonly answer = 'noReply'
}

/** Answer if there is a reply, terminate, end (OTP: `{stop, Reason, Reply, State}`). */
export class Stop<R = unknown> {
  constructor(
    readonly reason: Reason,
    /** Present where the caller gets a reply; without it the caller is told the reason instead. */
    readonly answer?: { readonly reply: R },
  ) {}
}

/** `init` does not want a server, and that is fine (OTP: `ignore`). */
export class Ignore {
  protected readonly answer = 'ignore'
}

/** What the starter of such a server hears: nothing is wrong, and nothing runs. */
export class StartIgnored extends Error {
  override readonly name = 'StartIgnored'
}

/** `init` refuses, quietly (OTP 26: `{error, Reason}`). */
export class Refuse {
  constructor(readonly reason: string) {}
}

export const NO_REPLY = new NoReply()
export const IGNORE = new Ignore()
