/** Lines are the same, however the bytes come. */
import fc from 'fast-check'
import t from 'tap'
import { LineReader, TOO_LONG } from '../../src/http/line-reader.js'

type Line = readonly [number: number, text: string | typeof TOO_LONG]

const told = ([number, line]: Line) => `${number}: ${String(line)}`

/** What is read of `pieces`; after each one, or only at the end. */
function read(pieces: readonly (string | Buffer)[], { longest = 100, isEager = true } = {}): Line[] {
  const reader = new LineReader(longest)
  const lines: Line[] = []
  const take = () => {
    for (let line = reader.next(); line !== undefined; line = reader.next()) {
      lines.push([reader.number, line === TOO_LONG ? line : line.toString()])
    }
  }
  for (const piece of pieces) {
    reader.push(Buffer.from(piece as string))
    if (isEager) take()
  }
  reader.end()
  take()
  return lines
}

t.test('a line ends with LF or CR LF, the last one also without', async (t) => {
  t.same(read(['a\nb\r\nc']), [
    [1, 'a'],
    [2, 'b'],
    [3, 'c'],
  ])
  t.same(read(['a\n']), [[1, 'a']])
  t.same(read(['']), [])
  t.same(read(['a\rb\n']), [[1, 'a\rb']], 'a CR alone is not the end of a line')
})

t.test('empty lines are nothing, and count', async (t) => {
  t.same(read(['\n\r\na\n\n\nb\n\n']), [
    [3, 'a'],
    [6, 'b'],
  ])
})

t.test('a line that is too long is known to have been there, and what follows is read', async (t) => {
  const long = 'x'.repeat(11)
  const expected = [
    [1, 'a'],
    [2, TOO_LONG],
    [3, 'b'],
    [4, TOO_LONG],
  ]
  for (const isEager of [true, false]) {
    t.same(read([`a\n${long}\nb\n${long}`], { longest: 10, isEager }), expected)
    t.same(read([...`a\n${long}\nb\n${long}`], { longest: 10, isEager }), expected)
  }
  t.same(read(['x'.repeat(10)], { longest: 10 }), [[1, 'x'.repeat(10)]])
})

t.test('of a line that is too long nothing is kept', async (t) => {
  const reader = new LineReader(10)
  for (let n = 0; n < 1000; n++) {
    reader.push(Buffer.alloc(1000, 'x'))
    t.equal(reader.next(), undefined)
  }
  const { concat } = Buffer
  let largest = 0
  t.intercept(Buffer, 'concat', {
    value: (parts: Buffer[]) => {
      largest = Math.max(largest, ...parts.map(({ length }) => length))
      return concat(parts)
    },
  })
  reader.push(Buffer.from('\nab'))
  t.equal(reader.next(), TOO_LONG)
  reader.push(Buffer.from('c\n'))
  t.equal(String(reader.next()), 'abc')
  t.ok(largest <= 3)
})

t.test('however a text is cut, its lines are those of the whole', async () => {
  const text = fc.array(fc.constantFrom('a', 'é', '\n', '\r\n', 'xxxxxxxx', '\r'), { maxLength: 40 })
  fc.assert(
    fc.property(text, fc.array(fc.nat(3), { maxLength: 60 }), fc.boolean(), (parts, cuts, isEager) => {
      const bytes = Buffer.from(parts.join(''))
      const pieces: Buffer[] = []
      let at = 0
      for (const cut of cuts) pieces.push(bytes.subarray(at, (at += cut)))
      pieces.push(bytes.subarray(at))
      const expected = bytes
        .toString()
        .split('\n')
        .map((line, i): Line => {
          if (Buffer.byteLength(line) > 12) return [i + 1, TOO_LONG]
          return [i + 1, line.endsWith('\r') ? line.slice(0, -1) : line]
        })
        .filter(([, line]) => line !== '')
      const lines = read(pieces, { longest: 12, isEager })
      return lines.map(told).join() === expected.map(told).join()
    }),
    { numRuns: 2000 },
  )
})
