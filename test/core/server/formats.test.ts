/** The string formats that schemas may name. */
import { Type } from 'genservers'
import t from 'tap'
import { teachFormat } from '../../../src/core/definition/formats.js'
import { compileSchema } from '../../../src/core/definition/schema.js'

const table: Record<string, { good: string[]; bad: string[] }> = {
  'date-time': {
    good: ['2026-01-31T12:00:00Z', '2026-01-31t12:00:00.25+02:00', '2016-12-31 23:59:60z', '2024-02-29T00:00:00-11:30'],
    bad: ['2026-01-31', '2026-02-30T00:00:00Z', '2026-01-31T24:00:00Z', '2026-01-31T12:00:00', '2026-01-31_12:00:00Z'],
  },
  date: {
    good: ['2026-01-31', '2024-02-29', '0001-01-01'],
    bad: ['2026-1-31', '2026-02-29', '2026-13-01', '2026-00-10', '2026-01-32', 'today', '2026-01-31Z', '+027576-01'],
  },
  time: {
    good: ['00:00:00Z', '23:59:60Z', '12:30:00.123+05:30'],
    bad: ['12:30:00', '24:00:00Z', '12:60:00Z', '12:30:61Z', '12:30Z', '12:30:00+24:00'],
  },
  uuid: {
    good: ['123e4567-e89b-12d3-a456-426614174000', 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF'],
    bad: [
      '123e4567e89b12d3a456426614174000',
      '123e4567-e89b-12d3-a456-42661417400',
      'g23e4567-e89b-12d3-a456-426614174000',
    ],
  },
  email: {
    good: ['ada@example.com', 'a.b+c@mail.example.org', "o'neil@example.co.uk"],
    bad: [
      'ada',
      'ada@',
      '@example.com',
      'a b@example.com',
      'ada@example',
      'a@b@example.com',
      `${'x'.repeat(65)}@a.com`,
    ],
  },
  uri: {
    good: ['https://example.com/a?b#c', 'mailto:ada@example.com', 'urn:isbn:0451450523'],
    bad: ['example.com', '/a/b', 'https://exa mple.com', 'http://a.com/b c', ' http://a.com', 'http://', '1http://a'],
  },
  ipv4: { good: ['127.0.0.1', '255.255.255.255'], bad: ['256.0.0.1', '1.2.3', '::1', '1.2.3.4.5'] },
  ipv6: { good: ['::1', '2001:db8::ff00:42:8329'], bad: ['127.0.0.1', '::g', '1:2:3'] },
}

t.test('each format takes what it names, and nothing else', async (t) => {
  for (const [format, { good, bad }] of Object.entries(table)) {
    const check = compileSchema(Type.String({ format }))
    for (const text of good) t.equal(check.accepts(text), true, `${format}: ${text}`)
    for (const text of [...bad, '']) t.equal(check.accepts(text), false, `${format}: ${text}`)
  }
})

t.test('an address may be as long as mail takes it', async (t) => {
  const check = compileSchema(Type.String({ format: 'email' }))
  const long = `${'a'.repeat(64)}@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.`
  t.equal(check.accepts(`${long}${'e'.repeat(254 - long.length)}`), true)
  t.equal(check.accepts(`${long}${'e'.repeat(255 - long.length)}`), false)
})

t.test('the list is closed', async (t) => {
  for (const format of ['bogus', 'constructor', 'hostname', '']) t.equal(teachFormat(format), false, format)
  t.equal(teachFormat('uuid'), true)
  t.equal(teachFormat('uuid'), true, 'also when it is known already')
})
