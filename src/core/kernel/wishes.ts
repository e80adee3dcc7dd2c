/** Those who wait until something is so. Whatever might have made it so looks. */
interface Wish {
  readonly isSo: () => boolean
  readonly resolve: () => void
}

export class Wishes {
  #open: Wish[] = []

  until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => this.#open.push({ isSo, resolve }))
  }

  /** `isOver`: nobody waits any longer, whatever is so. */
  look(isOver: boolean): void {
    const wishes = this.#open
    this.#open = wishes.filter(({ isSo }) => !isOver && !isSo())
    for (const wish of wishes) if (!this.#open.includes(wish)) wish.resolve()
  }
}
