/** What a server has heard of one sender, whose messages have the numbers 1, 2, 3 and so on: which, and which twice, in little space. */
export interface Track {
  last: number
  /** Those before the last that have not come. */
  missing: number[]
  /** Those that came twice, or after a later one. */
  doubled: number[]
}

export function hear(tracks: Record<string, Track>, sender: string, n: number): void {
  tracks[sender] ??= { last: 0, missing: [], doubled: [] }
  const track = tracks[sender]
  if (n <= track.last) {
    track.doubled.push(n)
    return
  }
  for (let skipped = track.last + 1; skipped < n; skipped++) track.missing.push(skipped)
  track.last = n
}

export function hasHeard(track: Track | undefined, n: number): boolean {
  return track !== undefined && n <= track.last && !track.missing.includes(n)
}
