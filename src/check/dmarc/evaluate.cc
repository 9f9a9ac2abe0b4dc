#include "check/dmarc/evaluate.h"

#include <fmt/format.h>

#include <algorithm>

#include "check/dkim/names.h"
#include "check/dmarc/walk.h"
#include "grammar/message/address.h"

namespace godwit::dmarc {
namespace {

void settle(Verdict& verdict, Reason reason, std::string text) {
  verdict.reason = reason;
  verdict.result = result_of(reason);
  verdict.text = std::move(text);
}

Policy milder(Policy policy) { return policy == Policy::reject ? Policy::quarantine : Policy::none; }

std::vector<Identifier> identifiers_of(const Question& question, const Options& options) {
  std::vector<Identifier> out;
  if (question.spf && !question.spf->domain.empty()) {
    out.push_back({Mechanism::spf, question.spf->domain, "", std::string(spf::to_string(question.spf->result)),
                   question.spf->result == spf::Result::pass, false});
  }
  for (const dkim::Verdict& each : question.dkim) {
    if (each.domain.empty()) continue;
    // RFC 6376 3.6.1, t=y: as if it were not signed; RFC 6376 8.2: with l= anybody may have added to the body
    const bool whole = each.unsigned_bytes == 0 || options.trust_partial_bodies;
    const bool passed = each.result == dkim::Result::pass && !each.testing && whole;
    out.push_back({Mechanism::dkim, each.domain, each.selector, std::string(dkim::to_string(each.result)), passed, false});
  }
  return out;
}

// Passed, or not to be judged now.
bool might_count(const Identifier& identifier) { return identifier.passed || identifier.result == "temperror"; }

// One message through the check.
class Evaluation {
 public:
  Evaluation(dns::Resolver& resolver, const Options& options) : resolver_(resolver), options_(options), walker_(resolver, options.lookup) {}

  Task<Verdict> run(Question question);

 private:
  bool begin(const Question& question);
  Task<bool> find_record();
  bool take_record(const Finding& finding);
  Task<bool> align();
  Task<bool> align_by_walk(Identifier& identifier);
  Task<bool> author_exists();
  Task<bool> choose_policy();
  void conclude();
  void decide();
  bool below_record() const { return verdict_.record_domain != verdict_.author_domain; }

  dns::Resolver& resolver_;
  const Options& options_;
  Walker walker_;
  Verdict verdict_;
  bool walked_ = false;
  std::string open_;  // a question about an identifier that the DNS left open
};

// RFC 9989 5.3.1. False: the verdict stands.
bool Evaluation::begin(const Question& question) {
  verdict_.identifiers = identifiers_of(question, options_);
  auto author = author_domain(question.from);
  if (author) {
    verdict_.author_domain = verdict_.organizational_domain = *std::move(author);
    return true;
  }
  const bool several = author.error().cause == Error::Cause::conflict;
  settle(verdict_, several ? Reason::several_authors : Reason::no_author, author.error().text);
  const LocalPolicy& local = options_.local;
  verdict_.disposition = std::min(several ? local.several_authors : local.no_author, local.most);
  return false;
}

// RFC 9989 4.10.1: the record that applies. False: the verdict stands.
Task<bool> Evaluation::find_record() {
  std::string author = verdict_.author_domain;
  const Finding* finding = co_await walker_.look_up(author);
  if (finding->status == Finding::Status::found) {
    verdict_.record_domain = std::move(author);
    co_return take_record(*finding);
  }
  const std::string note = finding->text;
  const Walk walk = co_await walker_.walk(author);
  if (walk.failed) {
    settle(verdict_, Reason::dns, walk.text);
    co_return false;
  }
  walked_ = true;
  verdict_.organizational_domain = walk.organizational_domain;
  if (walk.record_domain.empty()) {
    settle(verdict_, Reason::no_record, note.empty() ? fmt::format("{} publishes no DMARC record", author) : note);
    co_return false;
  }
  verdict_.record_domain = walk.record_domain;
  std::string domain = walk.record_domain;
  finding = co_await walker_.look_up(std::move(domain));
  co_return take_record(*finding);
}

bool Evaluation::take_record(const Finding& finding) {
  verdict_.secure = finding.secure;
  verdict_.record = finding.record;
  Record& record = *verdict_.record;
  if (!record.faulty_policy) return true;
  // RFC 9989 4.10.1: p=none if somebody is to hear of it; else no DMARC
  if (record.aggregate_reports.empty()) {
    verdict_.record.reset();
    settle(verdict_, Reason::unusable_record, fmt::format("the DMARC record of {} has no policy that makes sense", verdict_.record_domain));
    return false;
  }
  record.policy = Policy::none;
  record.subdomain_policy.reset();
  record.nonexistent_policy.reset();
  return true;
}

// RFC 9989 4.10.2 for one identifier, relaxed and not equal to the author's domain. False: the author's own walk failed.
Task<bool> Evaluation::align_by_walk(Identifier& identifier) {
  if (!walked_) {
    std::string author = verdict_.author_domain;
    const Walk walk = co_await walker_.walk(std::move(author));
    if (walk.failed) {
      open_ = walk.text;
      co_return false;
    }
    walked_ = true;
    verdict_.organizational_domain = walk.organizational_domain;
  }
  // An organisational domain is the domain or above it: what is not below the author's has another one.
  if (!dkim::is_within(identifier.domain, verdict_.organizational_domain)) co_return true;
  std::string domain = identifier.domain;
  const Walk walk = co_await walker_.walk(std::move(domain));
  if (walk.failed)
    open_ = walk.text;
  else
    identifier.aligned = walk.organizational_domain == verdict_.organizational_domain;
  co_return true;
}

// RFC 9989 5.3.4. True: something that passed is aligned.
Task<bool> Evaluation::align() {
  // Names that are equal need no question (RFC 9989 4.10.2).
  for (Identifier& each : verdict_.identifiers) {
    each.aligned = each.domain == verdict_.author_domain;
    if (each.aligned && each.passed) (each.mechanism == Mechanism::spf ? verdict_.spf_aligned : verdict_.dkim_aligned) = true;
  }
  std::size_t looked_at = 0;
  for (Identifier& each : verdict_.identifiers) {
    const bool strict = (each.mechanism == Mechanism::spf ? verdict_.record->spf : verdict_.record->dkim) == Alignment::strict;
    if (each.aligned || strict || !might_count(each) || ++looked_at > options_.max_identifiers) continue;
    const bool answered = co_await align_by_walk(each);
    if (!answered) break;
    if (each.aligned && each.passed) (each.mechanism == Mechanism::spf ? verdict_.spf_aligned : verdict_.dkim_aligned) = true;
  }
  co_return verdict_.spf_aligned || verdict_.dkim_aligned;
}

// RFC 9989 3.2.13: a domain without addresses and exchanges does not exist. False in `exists`; false returned: nobody knows.
Task<bool> Evaluation::author_exists() {
  const std::string author = verdict_.author_domain;
  std::string name = author;
  const auto a = co_await resolver_.a(std::move(name), options_.lookup);
  ++verdict_.questions;
  verdict_.exists = a.status == dns::Status::records;
  if (*verdict_.exists || a.status == dns::Status::nxdomain) co_return true;
  name = author;
  const auto mx = co_await resolver_.mx(std::move(name), options_.lookup);
  name = author;
  const auto aaaa = co_await resolver_.aaaa(std::move(name), options_.lookup);
  verdict_.questions += 2;
  verdict_.exists = mx.status == dns::Status::records || aaaa.status == dns::Status::records;
  if (*verdict_.exists) co_return true;
  for (const bool failed : {a.failed(), mx.failed(), aaaa.failed()}) {
    if (!failed) continue;
    verdict_.exists.reset();
    co_return false;
  }
  co_return true;
}

// RFC 9989 4.10.1, last part: of p=, sp= and np= the one that counts. False: nobody knows.
Task<bool> Evaluation::choose_policy() {
  const Record& record = *verdict_.record;
  verdict_.published = record.policy.value_or(Policy::none);
  verdict_.published_by = "p";
  if (!below_record()) co_return true;
  if (record.subdomain_policy) {
    verdict_.published = *record.subdomain_policy;
    verdict_.published_by = "sp";
  }
  if (!record.nonexistent_policy || verdict_.result == Result::pass) co_return true;
  const bool known = co_await author_exists();
  if (known && !*verdict_.exists) {
    verdict_.published = *record.nonexistent_policy;
    verdict_.published_by = "np";
  }
  co_return known;
}

// RFC 9989 5.3.5, 5.3.6
void Evaluation::conclude() {
  const std::string& author = verdict_.author_domain;
  if (verdict_.spf_aligned || verdict_.dkim_aligned) {
    const auto found = std::ranges::find_if(verdict_.identifiers, [](const Identifier& each) { return each.aligned && each.passed; });
    return settle(verdict_, Reason::aligned,
                  fmt::format("{} of {} passes and is aligned with {}", to_string(found->mechanism), found->domain, author));
  }
  if (!open_.empty()) return settle(verdict_, Reason::dns, open_);
  for (const Identifier& each : verdict_.identifiers) {
    if (each.aligned && each.result == "temperror")
      return settle(verdict_, Reason::dns,
                    fmt::format("{} of {}, which is aligned, cannot be judged now", to_string(each.mechanism), each.domain));
  }
  settle(verdict_, Reason::not_aligned, fmt::format("nothing that passes is aligned with {}", author));
}

// RFC 9989 5.4: the disposition of a message that failed.
void Evaluation::decide() {
  const LocalPolicy& local = options_.local;
  verdict_.requested = verdict_.published;
  if (verdict_.record->testing && verdict_.published != Policy::none) {
    verdict_.requested = milder(verdict_.published);  // RFC 9989 4.7, t=y: one level below
    verdict_.overrides.push_back({"policy_test_mode", "t=y"});
  }
  verdict_.disposition = verdict_.requested;
  if (verdict_.requested == Policy::none) return;
  if (!local.forwarder.empty()) {
    verdict_.disposition = Policy::none;
    verdict_.overrides.push_back({"trusted_forwarder", local.forwarder});
  } else if (std::ranges::any_of(local.exempt, [&](const std::string& name) { return dkim::is_within(verdict_.author_domain, name); })) {
    verdict_.disposition = Policy::none;
    verdict_.overrides.push_back({"local_policy", "the domain is exempt"});
  } else if (verdict_.requested > local.most) {
    verdict_.disposition = local.most;
    verdict_.overrides.push_back({"local_policy", fmt::format("no more than {} is applied", to_string(local.most))});
  }
}

Task<Verdict> Evaluation::run(Question question) {
  bool goes_on = begin(question);
  if (goes_on) goes_on = co_await find_record();
  if (goes_on) {
    const bool passes = co_await align();
    conclude();
    const bool known = co_await choose_policy();
    if (!passes && !known && verdict_.result == Result::fail)
      settle(verdict_, Reason::dns, fmt::format("whether {} exists is not to be had now", verdict_.author_domain));
    if (verdict_.result == Result::fail) decide();
  }
  verdict_.questions += walker_.questions();
  co_return std::move(verdict_);
}

}  // namespace

godwit::Result<std::string> author_domain(std::span<const std::string> from) {
  if (from.empty()) return fail(Error::syntax("the message has no From field", 0));
  // RFC 5322 3.6: From occurs once
  if (from.size() > 1) return fail(Error::permanent(Error::Cause::conflict, fmt::format("the message has {} From fields", from.size())));
  const auto list = message::parse_address_list(from.front());
  if (!list) return fail(Error::syntax("the From field cannot be read: " + list.error().text, list.error().position));
  std::string out;
  for (const message::Mailbox& mailbox : list->mailboxes) {
    const auto domain = dkim::parse_dns_name(mailbox.domain, 1);  // RFC 9989 5.3.1: U-labels become A-labels
    if (!domain) return fail(Error::syntax("the From field holds an address without a domain name", 0));
    if (!out.empty() && out != *domain)
      return fail(Error::permanent(Error::Cause::conflict, fmt::format("the From field has several domains, {} and {}", out, *domain)));
    out = *domain;
  }
  if (out.empty()) return fail(Error::syntax("the From field has no address", 0));
  return out;
}

Task<Verdict> evaluate(dns::Resolver& resolver, Question question, Options options) {
  Evaluation evaluation(resolver, options);
  co_return co_await evaluation.run(std::move(question));
}

}  // namespace godwit::dmarc
