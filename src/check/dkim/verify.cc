#include "check/dkim/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "check/dkim/candidate.h"

namespace godwit::dkim {
namespace {

constexpr std::size_t kShown = 8;             // RFC 6008 4: at least the first eight characters
constexpr std::size_t kMostNotLookedAt = 50;  // reported one by one; the rest together

// RFC 6008 4: as many characters as it takes to tell the signatures apart. Two that are equal throughout cannot be.
void choose_shown(std::vector<Verdict>& verdicts) {
  for (Verdict& verdict : verdicts) {
    std::size_t shown = kShown;
    for (const Verdict& other : verdicts) {
      if (other.signature == verdict.signature) continue;
      const auto differ = std::ranges::mismatch(verdict.signature, other.signature).in1 - verdict.signature.begin();
      shown = std::max(shown, static_cast<std::size_t>(differ) + 1);
    }
    verdict.shown = std::min(shown, verdict.signature.size());
  }
}

}  // namespace

struct Verifier::Impl {
  Impl(const VerifyOptions& with, WallTime received) : options(with), now(received), header(with.max_header) {}

  void end_header();
  void add(std::size_t field);
  void pass_over(std::string_view text);
  Duration time_for_each(std::size_t keys) const {
    return std::min(dns::kLookupTimeout, options.lookup_time / static_cast<int>(std::max<std::size_t>(keys, 1)));
  }

  VerifyOptions options;
  WallTime now;
  HeaderFields header;
  BodyHashes body;
  std::vector<Candidate> candidates;
  bool header_seen = false;
};

void Verifier::Impl::end_header() {
  header_seen = true;
  if (header.too_large()) {
    if (!header.named(kSignatureField).empty())
      candidates.push_back(settled_candidate(Reason::not_looked_at, "the header is too large for its signatures to be looked at"));
    return;
  }
  for (const std::uint32_t field : header.named(kSignatureField)) add(field);
  header = HeaderFields(0);  // the hashes are all that is needed of it
}

// RFC 6376 6.1: "A Verifier MAY limit the number of signatures it tries"
void Verifier::Impl::pass_over(std::string_view text) {
  const std::size_t most = options.max_signatures + kMostNotLookedAt;
  if (candidates.size() > most) return;
  std::string why = fmt::format("only the first {} signatures are looked at", options.max_signatures);
  if (candidates.size() == most) return candidates.push_back(settled_candidate(Reason::not_looked_at, why + "; more follow"));
  candidates.push_back(begin_candidate(text, 0, options, now));
  settle(candidates.back(), Reason::not_looked_at, std::move(why));
}

void Verifier::Impl::add(std::size_t field) {
  const auto text = header.value(field);
  if (candidates.size() >= options.max_signatures) return pass_over(text);
  Candidate candidate = begin_candidate(text, header.named("from").size(), options, now);
  if (!candidate.settled) {
    const Signature& signature = candidate.signature;
    const auto whole = header.bytes(field);
    const std::size_t value = whole.size() - text.size();
    // RFC 6376 3.7: the field itself with the value of b= deleted, the white space around it too
    const std::array<std::string_view, 2> last = {whole.substr(0, value + signature.data_begin), text.substr(signature.data_end)};
    const auto fields = header.select(signature.fields, field);
    candidate.header_hash = header.hash(signature.header_canonicalization, fields, last);
    candidate.body_hash = body.add({signature.body_canonicalization, signature.body_length});
  }
  candidates.push_back(std::move(candidate));
}

Verifier::Verifier(const VerifyOptions& options, WallTime now) : impl_(std::make_unique<Impl>(options, now)) {}
Verifier::~Verifier() = default;

void Verifier::feed(std::string_view bytes) {
  if (!impl_->header_seen) {
    bytes.remove_prefix(impl_->header.feed(bytes));
    if (!impl_->header.done()) return;
    impl_->end_header();
  }
  impl_->body.feed(bytes);
}

bool Verifier::header_done() const { return impl_->header_seen; }

std::vector<std::string> Verifier::key_names() const {
  std::vector<std::string> names;
  for (const Candidate& candidate : impl_->candidates) {
    if (candidate.settled) continue;
    auto name = key_name(candidate.signature.selector, candidate.signature.domain);
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

Task<std::vector<Verdict>> Verifier::finish(dns::Resolver& resolver) {
  if (!impl_->header_seen) {
    impl_->header.finish();
    impl_->end_header();
  }
  impl_->body.finish();
  const auto names = key_names();
  const Duration timeout = impl_->time_for_each(names.size());
  std::map<std::string, KeyAnswer> answers;
  for (const std::string& name : names) {
    std::string asked = name;
    auto answer = co_await look_up_key(resolver, std::move(asked), timeout);
    answers.emplace(name, std::move(answer));
  }
  std::vector<Verdict> verdicts;
  for (Candidate& candidate : impl_->candidates) {
    if (!candidate.settled) {
      const auto& answer = answers.at(key_name(candidate.signature.selector, candidate.signature.domain));
      judge(candidate, answer, impl_->body.hash(candidate.body_hash), impl_->options);
    }
    verdicts.push_back(std::move(candidate.verdict));
  }
  choose_shown(verdicts);
  co_return verdicts;
}

}  // namespace godwit::dkim
