/** Drafts: the same promises, whichever way they are made. */
import t from 'tap'
import { adopt, draftOf, freeze, seal } from '../../../src/core/server/draft.js'

type State = Record<string, unknown>

const states: readonly [string, () => State][] = [
  ['a flat state', () => ({ count: 1, name: 'a', gone: null })],
  ['a nested state', () => ({ count: 1, name: 'a', gone: null, list: [1] })],
  ['a state of many keys', () => Object.fromEntries(['count', 'name', 'gone', ...'abcdefgh'].map((key) => [key, 1]))],
  ['a frozen state', () => Object.freeze({ count: 1, name: 'a', gone: null })],
]

for (const [kind, make] of states) {
  t.test(`${kind}: a change makes another state and leaves this one`, async (t) => {
    const changes: [string, (draft: State) => void][] = [
      ['set', (draft) => void (draft['count'] = 7)],
      ['added', (draft) => void (draft['more'] = 1)],
      ['deleted', (draft) => void delete draft['name']],
      [
        'swapped',
        (draft) => {
          delete draft['name']
          draft['other'] = 'a'
        },
      ],
      ['nested', (draft) => void (draft['nested'] = { deep: [1] })],
    ]
    for (const [what, change] of changes) {
      const state = make()
      const before = JSON.stringify(state)
      const made = draftOf(state)
      change(made.draft as State)
      const expected = JSON.stringify(made.draft)
      const next = made.finalize()
      t.not(next, state, what)
      t.equal(JSON.stringify(next), expected, what)
      t.equal(JSON.stringify(state), before, what)
    }
  })

  t.test(`${kind}: who changes nothing gets the same state back`, async (t) => {
    const state = make()
    const made = draftOf(state)
    const draft = made.draft as State
    const { count } = draft
    draft['count'] = count
    t.equal(made.finalize(), state)
  })

  for (const [how, keep] of [
    ['sealed', seal],
    ['adopted', (next: object) => adopt(next, undefined)],
  ] as const) {
    t.test(`${kind}, ${how}: a draft that is kept after its turn changes no state`, async (t) => {
      const made = draftOf(make())
      const draft = made.draft as State
      draft['count'] = 7
      const next = keep(made.finalize()) as State
      try {
        draft['count'] = 8
      } catch (error) {
        t.type(error, TypeError)
      }
      t.equal(next['count'], 7)
    })
  }
}

t.test('a state that became nested is frozen whole when it is looked at', async (t) => {
  const made = draftOf({ count: 1 })
  ;(made.draft as State)['nested'] = { deep: [1] }
  const next = freeze(made.finalize()) as { nested: { deep: number[] } }
  t.throws(() => next.nested.deep.push(2), TypeError)
})

t.test('a state that cannot be frozen is looked at as it is', async (t) => {
  const circle: State = {}
  circle['self'] = { circle }
  t.equal(freeze(circle), circle)
  const trapped = Object.defineProperty({ inner: {} }, 'trap', {
    enumerable: true,
    get() {
      throw new Error('trapped')
    },
  })
  t.equal(freeze(trapped), trapped)
})

t.test('a flat state lives on in one object that no handler has', async (t) => {
  const own = adopt({ count: 1, name: 'a' }, undefined)
  t.equal(adopt({ count: 2, name: 'a' }, own), own, 'filled anew')
  t.same(own, { count: 2, name: 'a' })
  t.equal(adopt({ count: 2, name: 'a', more: true }, own), own, 'a key more')
  const less = adopt({ count: 3 }, own)
  t.not(less, own, 'a key less: another object')
  t.same(less, { count: 3 })
  t.same(adopt({ other: 3 }, less), { other: 3 }, 'another key in the place of one')
  const nested = { list: [1] }
  t.equal(adopt(nested, own), nested, 'what is nested is taken as it is')
})

t.test('a draft that became nested is not the state either', async (t) => {
  const made = draftOf({ count: 1, list: null })
  const draft = made.draft as State
  draft['list'] = []
  const next = adopt(made.finalize(), undefined) as State
  draft['count'] = 777
  t.equal(next['count'], 1)
})
