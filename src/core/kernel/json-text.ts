/** A value as the JSON text in which it came, for whoever only passes it on. */
import type { Json } from './json.js'

export class JsonText {
  constructor(readonly text: string) {}

  get value(): Json {
    return JSON.parse(this.text)
  }
}
