/** What operators may see of a state. */
import { type AnyDefinition, Type } from 'genservers'
import t from 'tap'
import { viewState } from '../../../src/core/server/state-view.js'

const view = (state: object, redact?: NonNullable<AnyDefinition['redact']>) => {
  const definition: AnyDefinition = { state: Type.Unknown(), init: () => ({}), ...(redact && { redact }) }
  return viewState({ definition }, state)
}

t.test('a state is shown as it is, where nothing is redacted', async (t) => {
  t.strictSame(view({ a: [1, { b: null }], c: 'x' }), { state: { a: [1, { b: null }], c: 'x' } })
})

t.test('what JSON has no form for is shown in one that it has', async (t) => {
  const state = {
    map: new Map<string, unknown>([['a', new Set([1, 2])]]),
    keyed: new Map<unknown, unknown>([
      [1, 'one'],
      ['two', 2],
    ]),
    empty: new Map(),
    big: 10n ** 20n,
    at: new Date(0),
  }
  t.strictSame(view(state), {
    state: {
      map: { a: [1, 2] },
      keyed: [
        [1, 'one'],
        ['two', 2],
      ],
      empty: {},
      big: '100000000000000000000',
      at: '1970-01-01T00:00:00.000Z',
    },
  })
  t.strictSame(view(new Map([['a', 1]])), { state: { a: 1 } })
  t.strictSame(view(new Set(['x'])), { state: ['x'] })
})

t.test('what the redactor gives is what is shown', async (t) => {
  const state = { card: '4111', name: 'ada' }
  t.strictSame(
    view(state, ({ name }: typeof state) => ({ name, tags: new Set([1]) })),
    { state: { name: 'ada', tags: [1] } },
  )
  t.strictSame(
    view(state, () => 'hidden'),
    { state: 'hidden' },
  )
})

t.test('G79: a redactor that throws shows nothing of the state', async (t) => {
  const shown = view({ card: '4111' }, () => {
    throw new Error('card 4111')
  })
  t.strictSame(shown, { state: null, redactFailed: true })
})

t.test('a view that cannot be shown shows nothing', async (t) => {
  const circle: { self?: object } = {}
  circle.self = circle
  t.strictSame(
    view({}, () => circle),
    { state: null, redactFailed: true },
  )
})
