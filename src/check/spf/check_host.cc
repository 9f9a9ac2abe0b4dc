#include "check/spf/check_host.h"

#include "check/spf/evaluation.h"

namespace godwit::spf {

Task<Verdict> check_host(dns::Resolver& resolver, Clock& clock, Question question, Limits limits) {
  Evaluation evaluation(resolver, clock, std::move(question), limits);
  co_return co_await evaluation.run();
}

Task<Verdicts> check_helo_and_mail_from(dns::Resolver& resolver, Clock& clock, Question question, Limits limits) {
  Verdicts verdicts;
  question.identity = Identity::helo;
  verdicts.helo = co_await check_host(resolver, clock, question, limits);
  if (verdicts.helo.result == Result::fail) co_return verdicts;
  if (question.mail_from.empty()) {
    // RFC 7208 2.4: a null reverse path stands for postmaster@HELO, which is what the check of HELO has asked about
    verdicts.mail_from = verdicts.helo;
    verdicts.mail_from->identity = Identity::mail_from;
    co_return verdicts;
  }
  question.identity = Identity::mail_from;
  verdicts.mail_from = co_await check_host(resolver, clock, std::move(question), limits);
  co_return verdicts;
}

}  // namespace godwit::spf
