/** What several ordered sequences give, as one ordered sequence. Each is read no further than it is needed. */
export function* merge(sources: readonly Iterator<string, unknown>[]): Generator<string, void, undefined> {
  const heads = sources.map((source) => source.next())
  for (;;) {
    let least: number | undefined
    for (const [i, head] of heads.entries()) {
      if (!head.done && (least === undefined || head.value < (heads[least]?.value as string))) least = i
    }
    if (least === undefined) return
    yield heads[least]?.value as string
    heads[least] = (sources[least] as Iterator<string, unknown>).next()
  }
}
