#include "check/spf/refusal.h"

#include <fmt/format.h>

namespace godwit::spf {

std::optional<smtp::Reply> refusal(const Question& question, const Verdict& verdict) {
  const std::string_view identity = verdict.identity == Identity::helo ? "HELO" : "MAIL FROM";
  smtp::Reply reply;
  switch (verdict.result) {
    case Result::fail:
      reply.code = 550;
      reply.enhanced = {5, 7, 23};
      reply.text = fmt::format("SPF {} check failed: {} may not send mail for {}", identity, question.client.text(), verdict.domain);
      // RFC 7208 6.2: "make it clear that the explanation string comes from a third party"
      if (!verdict.explanation.empty()) reply.text += fmt::format("\nThe domain {} explains:\n{}", verdict.domain, verdict.explanation);
      return reply;
    case Result::permerror:
      reply.code = 550;
      reply.enhanced = {5, 7, 24};
      reply.text = fmt::format("SPF {} check: the record for {} cannot be used\n{}", identity, verdict.domain, verdict.reason);
      return reply;
    case Result::temperror:
      reply.code = 451;
      reply.enhanced = {4, 7, 24};
      reply.text = fmt::format("SPF {} check: the record for {} cannot be looked up now, try again later", identity, verdict.domain);
      return reply;
    case Result::none:
    case Result::neutral:
    case Result::pass:
    case Result::softfail: break;
  }
  return std::nullopt;
}

}  // namespace godwit::spf
