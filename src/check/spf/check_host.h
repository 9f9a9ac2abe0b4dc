#pragma once
// SPF: may this client send mail in the name of this domain? RFC 7208, complete; RFC 8616 for internationalised senders.
//
//   spf::Question question{.client = peer, .helo = helo, .mail_from = path.text(), .receiver = hostname};
//   const spf::Verdict verdict = co_await spf::check_host(resolver, clock, question);
//   if (verdict.result == spf::Result::fail) ...
//
// Nothing fails here: what goes wrong is a result (`temperror`, `permerror`) with its reason. The check asks the Resolver one
// question at a time, reads at most 16 KiB of a record, and ends within Limits::time. Runs on the caller's loop; `resolver` and
// `clock` outlive it. When the resolver is stopped the result is `temperror`.
//
// Rendering and replies: received_spf.h, refusal.h. Parts of the check: record.h (grammar), macro.h, evaluation.h.

#include <optional>

#include "base/task.h"
#include "check/spf/verdict.h"
#include "edge/dns/resolver.h"

namespace godwit::spf {

// RFC 7208 4: the identity that the question names.
Task<Verdict> check_host(dns::Resolver& resolver, Clock& clock, Question question, Limits limits = {});

struct Verdicts {
  Verdict helo;
  std::optional<Verdict> mail_from;  // not there when HELO has failed

  // What a receiver that heeds both goes by: MAIL FROM, unless HELO has failed.
  const Verdict& deciding() const { return mail_from ? *mail_from : helo; }
};

// RFC 7208 2.3: HELO first; a fail there is conclusive, and MAIL FROM is not looked up any more. Every other result says
// nothing about MAIL FROM, which is checked then (2.4 MUST) under limits of its own. For a null reverse path both are the same
// domain, which is looked up once. `question.identity` does not matter.
Task<Verdicts> check_helo_and_mail_from(dns::Resolver& resolver, Clock& clock, Question question, Limits limits = {});

}  // namespace godwit::spf
