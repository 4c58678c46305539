/** A change that makes the product wrong: each text must stand exactly once in its file. */
export interface PlantedBug {
  readonly name: string
  /** The tests that must find it. */
  readonly test: 'mixed-calls' | 'kill' | 'budget-race'
  readonly edits: readonly { readonly file: string; readonly find: string; readonly replace: string }[]
}

const ledger = 'packages/server/src/features/ledger'
const gateway = 'packages/server/src/features/gateway'
const relay = 'packages/server/src/features/relay/stream.ts'

/** Bugs of the kinds that gateways have had, one at a time in a copy of the sources. */
export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'double settle',
    test: 'budget-race',
    edits: [
      { file: `${ledger}/holds.ts`, find: 'if (!open.delete(this)) return', replace: 'open.delete(this)' },
      {
        file: `${gateway}/account.ts`,
        find: 'hold.settle(settlement)',
        replace: 'hold.settle(settlement)\n      hold.settle(settlement)',
      },
    ],
  },
  {
    name: 'lost abort: a caller who leaves is not settled',
    test: 'mixed-calls',
    edits: [
      {
        file: relay,
        find: "finish('client_gone', null, 'client_closed_request')",
        replace: 'if (!ended) {\n        ended = true\n        cutUpstream()\n      }',
      },
    ],
  },
  {
    name: 'leaked hold: a failed call is not settled',
    test: 'mixed-calls',
    edits: [{ file: `${gateway}/flow.ts`, find: '      await account.failed(fault)\n', replace: '' }],
  },
  {
    name: 'leaked hold: the unused worst case is not freed',
    test: 'budget-race',
    edits: [
      {
        file: `${ledger}/leases.ts`,
        find: 'free(reservation, reservation.amount - paidByLease(row, reservation))',
        replace: 'free(reservation, 0n)',
      },
    ],
  },
  {
    name: 'dropped journal tail: the last open call is not recovered',
    test: 'kill',
    edits: [
      { file: `${ledger}/recovery.ts`, find: 'of open.values())', replace: 'of [...open.values()].slice(0, -1))' },
    ],
  },
  {
    name: 'intent journaled after the call has begun',
    test: 'kill',
    edits: [
      {
        file: `${ledger}/holds.ts`,
        find: 'this.segment = record(this.line())',
        replace: 'this.segment = null\n      setTimeout(() => record(this.line()), 25)',
      },
      { file: `${ledger}/holds.ts`, find: 'hold.segment === null && reservation', replace: 'false' },
    ],
  },
  {
    name: 'outcome journaled after the terminal',
    test: 'kill',
    edits: [
      {
        file: `${gateway}/account.ts`,
        find: 'hold.settle(settlement)',
        replace: 'setTimeout(() => hold.settle(settlement), 25)',
      },
    ],
  },
  {
    name: 'progress marked after the bytes',
    test: 'kill',
    edits: [
      {
        file: relay,
        find: 'input.mark(leastTokens(parts, characters))',
        replace: 'setTimeout(() => input.mark(marked), 25)',
      },
    ],
  },
  {
    name: 'double billing: a row sent again is a second row',
    test: 'kill',
    edits: [
      {
        file: `${ledger}/entries.store.ts`,
        find: '"at_ms":${row.at},',
        replace: '"at_ms":${Date.now()},',
      },
    ],
  },
  {
    name: 'a row sent again is charged to its budget again',
    test: 'kill',
    edits: [
      {
        file: `${ledger}/entries.store.ts`,
        find: 'chargeBudgets(transaction, fresh)',
        replace: 'chargeBudgets(transaction, rows)',
      },
    ],
  },
  {
    name: 'leases of the dead are not returned',
    test: 'kill',
    edits: [{ file: `${ledger}/lease-upkeep.ts`, find: '      await store.endOld()\n', replace: '' }],
  },
  {
    name: 'a finished lease is not returned',
    test: 'mixed-calls',
    edits: [
      { file: `${ledger}/lease-upkeep.ts`, find: '    if (ours.length > 0) await store.end(ours)\n', replace: '' },
    ],
  },
  {
    name: 'budget checked, then added to',
    test: 'budget-race',
    edits: [
      {
        file: `${ledger}/budget-room.store.ts`,
        find: 'AND w.window_start = $2 FOR UPDATE OF w',
        replace: 'AND w.window_start = $2',
      },
      {
        file: `${ledger}/leases.store.ts`,
        find: '($5 OR spent_nano + leased_nano + $3 <= $4)',
        replace: '($5 OR $4 > 0)',
      },
    ],
  },
  {
    name: 'usage reports are added up',
    test: 'mixed-calls',
    edits: [
      {
        file: relay,
        find: '    usage = read\n',
        replace: '    usage = { ...read, outputTokens: read.outputTokens + (usage?.outputTokens ?? 0) }\n',
      },
    ],
  },
  {
    name: 'usage of zero is replaced by an estimate',
    test: 'mixed-calls',
    edits: [
      {
        file: `${gateway}/account.ts`,
        find: 'if (end.usage !== null) return',
        replace: 'if (end.usage?.inputTokens) return',
      },
    ],
  },
  {
    name: 'missing usage is billed as nothing',
    test: 'mixed-calls',
    edits: [
      {
        file: `${gateway}/account.ts`,
        find: 'return counted(end.text()).then(',
        replace: 'return Promise.resolve(noUsage).then(',
      },
    ],
  },
  {
    name: '[DONE] after a cut',
    test: 'mixed-calls',
    edits: [{ file: relay, find: '      else cut()\n', replace: "      else finish('complete', null)\n" }],
  },
  {
    name: 'an answer that had begun is asked for again',
    test: 'mixed-calls',
    edits: [
      {
        file: 'packages/server/src/features/providers/openai/call.ts',
        find: "this.#failTruncated(this.#wantsStream ? 'anywhere' : 'never')",
        replace: "this.#failTruncated('anywhere')",
      },
    ],
  },
  {
    name: 'a failed call is billed',
    test: 'mixed-calls',
    edits: [{ file: `${gateway}/account.ts`, find: 'free: true,', replace: 'free: false,' }],
  },
  {
    name: 'cost rounded down',
    test: 'mixed-calls',
    edits: [
      {
        file: 'packages/server/src/features/metering/price.ts',
        find: '(amount + perMillion - 1n) / perMillion',
        replace: 'amount / perMillion',
      },
    ],
  },
  {
    name: 'a killed call goes without its price per request',
    test: 'kill',
    edits: [{ file: `${ledger}/row.ts`, find: 'rates.perRequest + (metered', replace: '(metered' }],
  },
]
