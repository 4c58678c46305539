/**
 * The boundaries of the house. Each comment tells what to do instead.
 * scripts/check-boundaries.test.ts plants one violation per rule and expects it to be caught.
 */
const server = '^packages/server/src/'
const feature = `${server}features/`
const wiring = `${server}(main|compose|cli|telemetry)(/|\\.|-)`
const tests = '\\.(test|conformance|bench)\\.ts$|/test/|/__fixtures__/'
const doors = `${server}kernel/(db|migrate|embedded|postgres-|outbound|blobs|counters|heap-file|memory-bound)`
const npm = (...names) => `node_modules/(@types/)?(${names.join('|')})/`
const core = (...names) => `^(node:)?(${names.join('|')})(/|$)`

/** An error rule over production code; tests are exempt unless the rule says otherwise. */
const forbid = (name, comment, from, to) => ({ name, severity: 'error', comment, from, to })

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    forbid(
      'no-cycles',
      'Two files that need each other are one file, or the shared part belongs in a third, lower file.',
      {},
      { circular: true },
    ),
    forbid(
      'no-unresolvable',
      'The import leads nowhere: relative imports end in .ts, workspace imports read @headgate/contract/<file>.ts, packages stand in package.json.',
      {},
      { couldNotResolve: true },
    ),

    // Storeys of the server
    forbid(
      'feature-stays-in-feature',
      'Features never import each other, not even types. State the need as a plain type in x.ports.ts and let compose.ts hand in the neighbour’s function; a type needed by three features moves to domain/.',
      { path: `${feature}([^/]+)/` },
      { path: feature, pathNot: `${feature}$1/` },
    ),
    forbid(
      'features-know-no-wiring',
      'A feature gets what it needs as parameters of createX. Take a value instead of importing http/, config/, compose.ts, main.ts or cli.ts.',
      { path: feature, pathNot: tests },
      { path: [`${server}(http|config)/`, wiring] },
    ),
    forbid(
      'http-knows-no-feature',
      'http/ mounts whatever routes it is handed. Put the need into kernel/route.ts or take a function as a parameter.',
      { path: `${server}http/`, pathNot: tests },
      { path: [feature, `${server}config/`, wiring] },
    ),
    forbid(
      'config-knows-no-product',
      'config/ reads and checks values. Hand the finished Config to the code that uses it, in compose.ts.',
      { path: `${server}config/`, pathNot: tests },
      { path: [feature, `${server}http/`, wiring] },
    ),
    forbid(
      'kernel-knows-no-product',
      'The kernel could serve any product: it sees contract and itself. Move the product’s part to the feature, or take it as a parameter.',
      { path: `${server}kernel/`, pathNot: [tests, `${server}kernel/route\\.ts$`] },
      { path: server, pathNot: `${server}kernel/` },
    ),
    forbid(
      'a-route-knows-its-caller',
      'The declaration of a route names the domain’s caller and exchange, as types and nothing more.',
      { path: `${server}kernel/route\\.ts$` },
      { path: server, pathNot: `${server}kernel/`, dependencyTypesNot: ['type-only'] },
    ),
    forbid(
      'domain-is-pure',
      'domain/ is values and arithmetic: it sees contract, typebox and itself. Do the reading and writing in the feature and pass the values.',
      { path: `${server}domain/`, pathNot: tests },
      { pathNot: ['^packages/(server/src/domain|contract/src)/', npm('typebox')] },
    ),
    forbid(
      'services-touch-no-edge',
      'A service is rules, free of HTTP and SQL. Take the store as a parameter (import type is allowed) and let x.routes.ts speak HTTP.',
      { path: '^packages/server/src/features/.+\\.service\\.ts$' },
      {
        path: [
          '\\.(routes|store)\\.ts$',
          `${server}http/`,
          `${server}kernel/(db\\.|route|sse|outbound|migrate|embedded)`,
          npm('pg', 'kysely', 'fastify', '@fastify/[^/]+', 'undici'),
        ],
        dependencyTypesNot: ['type-only'],
      },
    ),
    forbid(
      'only-stores-speak-sql',
      'SQL lives in the owner’s x.store.ts, one function per statement. Add a function there and call it (import type is allowed).',
      { path: `${server}(features|http|domain|config)/`, pathNot: ['\\.store\\.ts$', tests] },
      {
        path: [`${server}kernel/(db\\.|migrate)`, npm('pg', 'kysely', 'pg-boss')],
        dependencyTypesNot: ['type-only'],
      },
    ),

    // One door per danger
    forbid(
      'one-door-to-the-disk',
      'Files are read in config/, blobs and the embedded database in kernel/, the journal in features/ledger/, served files in http/site.ts. Ask one of these through a port.',
      {
        path: '^packages/(server|contract|client)/src/',
        pathNot: [
          tests,
          `${server}config/`,
          `${server}kernel/(countries|embedded|heap-file|memory-bound|migrate|blobs|postgres-|programs)`,
          // It restores into a folder, which must be empty and stays so where that fails.
          `${server}kernel/pgbackrest\\.ts$`,
          `${feature}ledger/(journal|progress)`,
          // Checkpoints, on the disk of each machine.
          `${feature}audit/checkpoint-file\\.ts$`,
          // Of each erasure a line, outside the database.
          `${feature}privacy/erasure-journal-file\\.ts$`,
          // The library’s own file of WebAssembly, in its worker.
          `${feature}provenance/reference\\.ts$`,
          `${server}http/site\\.ts$`,
          `${server}(cli|main)(/|[.-])`,
        ],
      },
      { path: core('fs'), dependencyTypesNot: ['type-only'] },
    ),
    forbid(
      'one-door-out',
      'The network is left by a provider and entered by http/; the doctor tries the port. Take a function as a parameter instead; to tell or compare addresses use ipaddr.js.',
      {
        path: '^packages/(server|contract)/src/',
        pathNot: [
          tests,
          `${server}http/`,
          `${server}kernel/(outbound|embedded|counters\\.redis)`,
          `${feature}providers/`,
          `${server}cli/doctor/machine-checks`,
        ],
      },
      {
        path: [core('https?', 'http2', 'net', 'tls', 'dgram', 'dns'), npm('undici')],
        dependencyTypesNot: ['type-only'],
      },
    ),
    forbid(
      'one-door-to-redis',
      'Counters are shared through kernel/counters.ts; only its Redis side knows the client.',
      { path: '^packages/', pathNot: [tests, '^packages/qa/', `${server}kernel/counters\\.redis`] },
      { path: npm('redis', '@redis/[^/]+') },
    ),
    forbid(
      'one-door-to-the-database',
      'The driver is known to kernel/db, kernel/migrate and kernel/embedded alone. A store takes the database it is handed.',
      { path: '^packages/', pathNot: [tests, '^packages/qa/', `${server}kernel/(db|migrate|embedded)`] },
      { path: npm('pg', 'pg-pool', 'pg-protocol') },
    ),
    forbid(
      'web-framework-stays-at-the-door',
      'Only http/ knows the web framework, types included. Declare the route with kernel/route.ts.',
      { path: '^packages/', pathNot: [tests, '^packages/qa/', `${server}http/`] },
      { path: npm('fastify', '@fastify/[^/]+') },
    ),

    // Arrows between packages
    forbid(
      'contract-is-the-ground',
      'contract stands under everything: it sees itself and typebox. Move the shape here, or the code out.',
      { path: '^packages/contract/', pathNot: tests },
      { pathNot: ['^packages/contract/', npm('typebox')] },
    ),
    forbid(
      'client-sees-contract',
      'The client sees contract, by type-only imports and generated tables.',
      { path: '^packages/client/' },
      { path: '^packages/', pathNot: '^packages/(client|contract)/' },
    ),
    forbid(
      'client-takes-types-only',
      'The published client carries no contract code: use import type, or a generated table inside the client.',
      { path: '^packages/client/src/', pathNot: tests },
      { path: '^packages/contract/', dependencyTypesNot: ['type-only'] },
    ),
    forbid(
      'console-sees-client',
      'The console speaks through the client only. Add the call to the client.',
      { path: '^packages/console/' },
      { path: '^packages/', pathNot: '^packages/(console|client)/' },
    ),
    forbid(
      'qa-stays-outside',
      'qa works from the outside: over the wire, through client or contract.',
      { path: '^packages/qa/' },
      { path: '^packages/', pathNot: '^packages/(qa|client|contract)/' },
    ),
    forbid(
      'server-sees-contract',
      'The server sees contract. Its tests may start the scripted upstream of qa, nothing else.',
      { path: '^packages/server/', pathNot: tests },
      { path: '^packages/', pathNot: '^packages/(server|contract)/' },
    ),
    forbid(
      'server-tests-use-the-upstream',
      'A server test may use packages/qa/upstream and packages/qa/faults; benchmarks, evaluations and load stay outside.',
      { path: `^packages/server/.*(${tests})` },
      { path: '^packages/', pathNot: '^packages/(server|contract|qa/(upstream|faults))/' },
    ),

    // Tests and dead wood
    forbid(
      'no-test-in-production',
      'Production code imports no test, fixture or test library. Turn it around, or hand the fake in as a parameter.',
      { path: '^packages/[^/]+/src/', pathNot: tests },
      {
        path: [tests, '^packages/qa/', npm('vitest', '@vitest/[^/]+', 'fast-check')],
        pathNot: 'node_modules/(?!vitest|@vitest|fast-check)',
      },
    ),
    forbid(
      'no-dead-rooms',
      'Neither main.ts nor cli.ts nor a worker (named x.worker.ts) reaches this file. Wire it in compose.ts or delete it.',
      { path: `${server}((main|cli|telemetry)|.*\\.worker)\\.ts$` },
      { path: server, pathNot: [tests, '\\.worker\\.ts$', wiring], reachable: false },
    ),
    {
      name: 'kernel-earns-its-place',
      severity: 'info',
      comment:
        'Fewer than two files use this. Unless it is a door (disk, network, SQL), it belongs with its only user.',
      from: {},
      module: { path: `${server}kernel/`, pathNot: [tests, doors], numberOfDependentsLessThan: 2 },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules'] },
    exclude: { path: ['/dist/', '/coverage/', '^packages/server/site/', '\\.d\\.ts$'] },
    tsPreCompilationDeps: true,
    detectProcessBuiltinModuleCalls: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mts', '.js', '.mjs', '.cjs', '.json'],
      mainFields: ['module', 'main', 'types'],
    },
    skipAnalysisNotInRules: true,
  },
}
