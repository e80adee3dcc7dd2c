/** Requests of scenarios that send them one by one. */

export async function post(url: string, body: object): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: answer.status, text: await answer.text() }
}

/** The bytes of a call. */
export function callOf(id: string, envelope: object): Buffer {
  const body = JSON.stringify(envelope)
  const head = `POST /servers/${id}/call HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`
  return Buffer.from(`${head}\r\n\r\n${body}`)
}
