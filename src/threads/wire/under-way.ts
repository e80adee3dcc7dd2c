/**
 * What a thread has begun and is not done with, since it waits for something. The latest of it is known from outside: if the thread
 * does not come back while it is at no message, that is held to have gone on.
 */

export interface Work {
  readonly id: string
  readonly kind: string
  readonly message: string
}

/** Begun one after the other. */
interface Link extends Work {
  earlier: Link | undefined
  later: Link | undefined
}

export class UnderWay {
  /** By the id of whose turn it is, or by what a server does beside its turns. */
  readonly #links = new Map<string | object, Link>()
  #latest: Link | undefined = undefined

  get latest(): Work | undefined {
    return this.#latest
  }

  add(what: string | object, { id, kind, message }: Work): void {
    this.delete(what)
    const link = { id, kind, message, earlier: this.#latest, later: undefined }
    if (this.#latest !== undefined) this.#latest.later = link
    this.#latest = link
    this.#links.set(what, link)
  }

  /** `false`: it is not. */
  delete(what: string | object): boolean {
    const link = this.#links.get(what)
    if (link === undefined) return false
    this.#links.delete(what)
    const { earlier, later } = link
    if (earlier !== undefined) earlier.later = later
    if (later !== undefined) later.earlier = earlier
    else this.#latest = earlier
    return true
  }
}
