/**
 * What to paste into a shell for each panel: the data of the panel in other formats. HOST is where the page is from.
 *
 * @type {Record<string, readonly { format: string, command: string }[]>}
 */
export const commands = {
  shelf: [
    { format: 'JSON array', command: 'curl HOST/api/books' },
    { format: 'CSV', command: "curl -H 'Accept: text/csv' HOST/api/books" },
    { format: 'NDJSON', command: "curl -H 'Accept: application/x-ndjson' 'HOST/api/books?q=erlang'" },
    {
      format: 'plain text, in German',
      command: "curl -H 'Accept: text/plain' -H 'Accept-Language: de' HOST/api/books",
    },
    {
      format: 'a stale delete: 412',
      command: 'curl -i -X DELETE -H \'If-Match: "stale"\' HOST/api/books/9781937785536',
    },
  ],
  happening: [
    {
      format: 'add Dune',
      command:
        'curl --json \'{"isbn":"9780441013593","title":"Dune","author":"Frank Herbert"}\' HOST/api/books',
    },
    { format: 'SSE', command: "curl -N 'HOST/api/events/stream?lastEventId=earliest'" },
    {
      format: 'NDJSON',
      command:
        "curl -N -H 'Accept: application/x-ndjson' -H 'Last-Event-ID: earliest' HOST/api/events/stream",
    },
    {
      format: 'json-seq',
      command:
        "curl -N -H 'Accept: application/json-seq' -H 'Last-Event-ID: earliest' HOST/api/events/stream",
    },
    {
      format: 'JSON array',
      command: "curl -N -H 'Accept: application/json' -H 'Last-Event-ID: earliest' HOST/api/events/stream",
    },
    {
      format: 'multipart',
      command: "curl -N -H 'Accept: multipart/mixed' -H 'Last-Event-ID: earliest' HOST/api/events/stream",
    },
  ],
  machine: [
    { format: 'NDJSON', command: 'curl -N HOST/api/stream' },
    { format: 'CSV', command: "curl -N -H 'Accept: text/csv' HOST/api/stream" },
    { format: 'json-seq', command: "curl -N -H 'Accept: application/json-seq' HOST/api/stream" },
    { format: 'JSON array', command: "curl -N -H 'Accept: application/json' HOST/api/stream" },
    { format: 'multipart', command: "curl -N -H 'Accept: multipart/mixed' HOST/api/stream" },
    { format: 'kill the source', command: 'curl -i -X DELETE HOST/api/stream/source' },
  ],
  ask: [
    {
      format: 'plain text',
      command:
        "curl -N -H 'Content-Type: text/plain' -H 'Accept: text/plain' -d 'Which books are about Erlang?' HOST/api/ask",
    },
    {
      format: 'NDJSON',
      command:
        "curl -N -H 'Content-Type: text/plain' -H 'Accept: application/x-ndjson' -d 'Anything by Kleppmann?' HOST/api/ask",
    },
    {
      format: 'SSE',
      command: "curl -N -H 'Content-Type: text/plain' -d 'Something on Go' HOST/api/ask",
    },
  ],
  log: [
    { format: 'plain text', command: "curl -N 'HOST/api/tail?file=access.log&last=10'" },
    {
      format: 'NDJSON',
      command: "curl -N -H 'Accept: application/x-ndjson' 'HOST/api/tail?file=access.log&last=10'",
    },
  ],
  negotiate: [
    { format: 'the decisions', command: "curl -si HOST/api/books | grep -i '^decision-trace'" },
    { format: 'a refusal', command: "curl -i -H 'Accept: image/png' HOST/api/books" },
  ],
}
