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
  readonly #links = new Map<string, Link>()
  #latest: Link | undefined = undefined

  get latest(): Work | undefined {
    return this.#latest
  }

  add({ id, kind, message }: Work): void {
    this.delete(id)
    const link = { id, kind, message, earlier: this.#latest, later: undefined }
    if (this.#latest !== undefined) this.#latest.later = link
    this.#latest = link
    this.#links.set(id, link)
  }

  /** `false`: it is not. */
  delete(id: string): boolean {
    const link = this.#links.get(id)
    if (link === undefined) return false
    this.#links.delete(id)
    const { earlier, later } = link
    if (earlier !== undefined) earlier.later = later
    if (later !== undefined) later.earlier = earlier
    else this.#latest = earlier
    return true
  }
}
