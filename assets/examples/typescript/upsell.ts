// The four-second upsell, typed: `openapi-typescript` makes deeds.d.ts from /openapi.json, `openapi-fetch` asks by it.
//
// Sales reads that a customer is well; support marks it as at risk; sales would mail an upsell. Deeds says `stale`,
// and what to do instead.

import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { components, paths } from "./deeds.js";

type Reply = components["schemas"]["Reply"];
type Problem = components["schemas"]["Problem"];

const baseUrl = process.env.DEEDS_URL ?? "http://127.0.0.1:4170";
const account = `crm/account/${process.env.ACCOUNT ?? "delta"}`;

/** An agent's way to Deeds. Who asks is what the token says; `deeds tokens create` wrote it into NAME.token. */
function client(agent: string) {
  const token = readFileSync(`${agent}.token`, "utf8").trim().split(": ")[1] ?? "";
  return createClient<paths>({ baseUrl, headers: { Authorization: token } });
}

/** A refusal by a rule is an answer. A broken request is a problem, and says what is wrong with it. */
function sure<T>({ data, error }: { data?: T; error?: Problem }): T {
  if (data === undefined) throw new Error(`${error?.code}: ${error?.detail}; ${error?.next}`);
  return data;
}

const support = client("support");
const sales = client("sales");

async function write(by: typeof sales, field: string, value: unknown, seen: number, on?: Record<string, number>) {
  // `expected` names the version that the change was made from; 0 is a field that was never written.
  const body = { entity: account, changes: { [field]: value }, expected: { [field]: seen }, depends_on: on };
  return sure(await by.POST("/v1/writes", { body }));
}

async function health() {
  const record = sure(await sales.GET("/v1/entities/{path}", { params: { path: { path: account } } }));
  return record.fields.health ?? { value: null, version: 0 };
}

await write(support, "health", "good", 0);
let seen = await health(); // 10:00:00
await write(support, "health", "at risk", seen.version); // 10:00:01

while (seen.value !== "at risk") { // 10:00:02
  // Ask before what can't be taken back, and say what it was decided on.
  const depends_on = { [`${account}#health`]: seen.version };
  const body = { target: "mail/sales", subject: account, action: "send_upsell", depends_on };
  const answer: Reply = sure(await sales.POST("/v1/acts", { body }));
  console.log("sales would mail:", answer.outcome, "-", answer.message, "-", answer.next);
  if (answer.outcome !== "stale") throw new Error("nothing stopped the mail");
  seen = await health(); // as `next` says
}
const plan = await write(sales, "next_step", "call, sell nothing", 0, { [`${account}#health`]: seen.version });
console.log("sales plans a call:", plan.outcome);
