/**
 * A small key-value store. Teaches how to keep a table in the state, whose keys clients choose.
 *
 * A plain object is JSON, and so can be stored, shown and sent; but in JavaScript it comes with names of its own. Two
 * rules make it a safe table. The schema lets a key begin with a letter or a digit only, so `__proto__`, the one name
 * that cannot be assigned, is refused with a 400 before any code runs. And what is there is asked with `Object.hasOwn`,
 * never by reading alone, so `constructor` and `toString` are keys like any other.
 *
 * What clients can make grow has a bound (`limit`), and what can grow is read in pages (`keys`).
 */
import { defineServer, Type } from 'genservers'

const Key = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._~:/@-]*$',
  maxLength: 256,
  description: 'A letter or digit, then also `. _ ~ : / @ -`.',
  examples: ['colour'],
})

export default defineServer({
  description: 'A table of JSON values by key.',
  args: Type.Object({
    limit: Type.Integer({ default: 10_000, minimum: 1, maximum: 1_000_000, description: 'How many keys it may hold.' }),
  }),
  state: Type.Object({
    limit: Type.Integer(),
    size: Type.Integer(),
    entries: Type.Record(Type.String(), Type.Unknown()),
  }),
  calls: {
    get: {
      args: Type.Object({ key: Key }),
      // `null` may have been stored, so that a key is missing is said apart.
      reply: Type.Object({ found: Type.Boolean(), value: Type.Optional(Type.Unknown()) }),
      readOnly: true,
    },
    put: {
      description: 'Stores a value. `full`: the table holds as many keys as it may, and nothing has changed.',
      args: Type.Object({ key: Key, value: Type.Unknown({ description: 'Any JSON.', examples: ['blue'] }) }),
      reply: Type.Union([Type.Literal('created'), Type.Literal('replaced'), Type.Literal('full')]),
    },
    delete: {
      description: 'Answers whether the key was there.',
      args: Type.Object({ key: Key }),
      reply: Type.Boolean(),
    },
    keys: {
      description: 'The keys in order, a page at a time: give `next` as `after` to go on.',
      args: Type.Object({
        after: Type.String({ default: '' }),
        limit: Type.Integer({ default: 100, minimum: 1, maximum: 1000 }),
      }),
      reply: Type.Object({ keys: Type.Array(Type.String()), next: Type.Optional(Type.String()) }),
      readOnly: true,
    },
    size: { description: 'How many keys it holds.', reply: Type.Integer(), readOnly: true },
  },

  init: ({ limit }) => ({ limit, size: 0, entries: {} }),
  handleCall: {
    get: ({ entries }, { key }) =>
      Object.hasOwn(entries, key) ? { found: true, value: entries[key] } : { found: false },
    put: (state, { key, value }) => {
      const known = Object.hasOwn(state.entries, key)
      if (!known && state.size >= state.limit) return 'full'
      state.entries[key] = value
      if (known) return 'replaced'
      state.size++
      return 'created'
    },
    delete: (state, { key }) => {
      if (!Object.hasOwn(state.entries, key)) return false
      delete state.entries[key]
      state.size--
      return true
    },
    keys: ({ entries }, { after, limit }) => {
      const rest = Object.keys(entries)
        .filter((key) => key > after)
        .sort()
      const keys = rest.slice(0, limit)
      const last = keys.at(-1)
      return rest.length > limit && last !== undefined ? { keys, next: last } : { keys }
    },
    size: (state) => state.size,
  },
})
