"""The exchange: nobody submits what the government already holds. The only door to registries.

For operations and desks (docstrings say shapes and errors):

- `evidence.prefill(database, gateway, compiled, case_id, actor=, now=, declined=, trigger=, budget=) -> Prefill`
  asks for every fact of a case that is neither declined nor fresh, in parallel within the budget, and records it.
- `evidence.current_facts(session, case_id, catalogue) -> {name: FactView}` how each need stands, with provenance;
  `FactView.sentence` is what the citizen is told (`evidence.outcome_sentence`), `fact_values(facts)` the values.
- `evidence.merge_answers(compiled, facts, form)` puts registry values over posted ones; `asked_fields`,
  `materials_asked` and `burden` say what is left to the citizen and what was spared.
- `snapshot.seal_snapshot`, `latest_snapshot`, `verify_snapshot`: what was sent, sealed, with the receipt's hash.
- `accesses.record_reads(session, actor, role, department_id, rows, now)` and `accesses.Read`: whoever reads a
  citizen's data leaves a row; `govservice.queries.data_access.reads_of` is the citizen's list.
- `gateway.Gateway(catalogue, endpoints)`: one per process; `fetch(database, wanted, budget)`, `close()`.
- `sandbox`: the synthetic province (`sandbox.province.build(seed)`, `sandbox.cast.CITIZENS`) and its server.

Within: `queries` (what is wanted, what came), `connectors` (protocols), `grants`, `breaker`, `mapping` (schema,
subject, values), `outcomes` (the ends of a call), `recording` (one transaction), `views`.
"""
