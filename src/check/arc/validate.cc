#include "check/arc/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "check/arc/chain.h"
#include "check/dkim/body_hash.h"
#include "check/dkim/candidate.h"

namespace godwit::arc {
namespace {

dkim::Candidate candidate_of(const dkim::Signature& signature) {
  dkim::Candidate out = dkim::settled_candidate(dkim::Reason::not_looked_at, "it was not looked at");
  out.settled = false;
  out.signature = signature;
  out.verdict.domain = signature.domain;
  out.verdict.selector = signature.selector;
  out.verdict.algorithm = signature.algorithm_name;
  out.verdict.signature = signature.data_text;
  out.verdict.length = signature.body_length;
  return out;
}

struct Pair {
  dkim::Candidate message;
  dkim::Candidate seal;
  // RFC 6376 3.5, c=: without it both are simple. RFC 8617 4.1.2 DEVIATES: there are sealers that mean relaxed; since the field itself
  // is signed nobody can take c= away, and to try both lets nothing pass that its custodian did not sign.
  std::optional<dkim::Candidate> relaxed;
};

}  // namespace

struct Validator::Impl {
  Impl(const ValidateOptions& with, WallTime received) : options(with), now(received), header(with.max_header) {
    verify.min_rsa_bits = with.min_rsa_bits;
  }

  void end_header();
  Verdict failed(unsigned at, std::string text) const;
  Task<bool> check(dns::Resolver& resolver, dkim::Candidate& candidate, bool has_body);
  void take_over(Verdict& verdict);

  ValidateOptions options;
  WallTime now;
  dkim::VerifyOptions verify;
  dkim::HeaderFields header;
  dkim::BodyHashes body;
  Verdict verdict;
  std::vector<Pair> pairs;
  std::map<std::string, dkim::KeyAnswer> keys;
  Duration for_each{0};
  bool header_seen = false;
};

Verdict Validator::Impl::failed(unsigned at, std::string text) const {
  Verdict out;
  out.result = ChainState::fail;
  out.broken_at = at;
  out.text = std::move(text);
  return out;
}

void Validator::Impl::end_header() {
  header_seen = true;
  verdict.text = "there is no chain";
  if (header.too_large()) {
    if (!header.named(kSealField).empty()) verdict = failed(0, "the header is too large for its chain to be looked at");
    return;
  }
  Chain chain = collect(header, std::min(options.max_sets, kMaxInstance));
  if (!chain.fault.empty()) {
    verdict = failed(chain.fault_at, std::move(chain.fault));
  } else {
    const std::size_t from_fields = header.named("from").size();
    for (std::size_t i = 0; i < chain.links.size(); ++i) {
      const Link& link = chain.links[i];
      Pair pair{candidate_of(link.message.signature), candidate_of(link.seal.signature), std::nullopt};
      const dkim::Signature& signature = link.message.signature;
      pair.message.header_hash = message_hash(header, link);
      pair.message.body_hash = body.add({signature.body_canonicalization, signature.body_length});
      pair.seal.header_hash = seal_hash(header, chain.links, i);
      // RFC 6376 6.1.1, 8.15: an author on top of the one that was signed is what readers would see
      if (from_fields > static_cast<std::size_t>(std::ranges::count(signature.fields, "from")))
        dkim::settle(pair.message, dkim::Reason::from_not_signed, "not all From fields were signed");
      const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
      if (signature.expiry && seconds >= 0 && static_cast<std::uint64_t>(seconds) > *signature.expiry)
        dkim::settle(pair.message, dkim::Reason::expired, "the message signature has expired");
      if (link.message.no_canonicalization && !pair.message.settled) {
        Link other = link;
        other.message.signature.header_canonicalization = dkim::Canonicalization::relaxed;
        pair.relaxed = pair.message;
        pair.relaxed->header_hash = message_hash(header, other);
        pair.relaxed->body_hash = body.add({dkim::Canonicalization::relaxed, signature.body_length});
      }
      pairs.push_back(std::move(pair));
      Set set;
      set.instance = static_cast<unsigned>(i + 1);
      set.state = link.seal.state;
      if (auto testimony = authres::parse(link.results)) set.testimony = *std::move(testimony);
      verdict.sets.push_back(std::move(set));
    }
  }
  header = dkim::HeaderFields(0);  // the hashes are all that is needed of it
}

// A candidate to its end; whether it passes.
Task<bool> Validator::Impl::check(dns::Resolver& resolver, dkim::Candidate& candidate, bool has_body) {
  if (candidate.settled) co_return candidate.verdict.result == dkim::Result::pass;
  const std::string name = dkim::key_name(candidate.signature.selector, candidate.signature.domain);
  auto known = keys.find(name);
  if (known == keys.end()) {
    std::string asked = name;
    auto answer = co_await dkim::look_up_key(resolver, std::move(asked), for_each);
    known = keys.emplace(name, std::move(answer)).first;
  }
  // A seal covers no body: neither it nor what it is compared with has a body hash.
  const auto hash = has_body ? body.hash(candidate.body_hash) : dkim::BodyHashes::Hash{};
  dkim::judge(candidate, known->second, hash, verify);
  co_return candidate.verdict.result == dkim::Result::pass;
}

void Validator::Impl::take_over(Verdict& into) {
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    into.sets[i].message = std::move(pairs[i].message.verdict);
    into.sets[i].seal = std::move(pairs[i].seal.verdict);
  }
}

Validator::Validator(const ValidateOptions& options, WallTime now) : impl_(std::make_unique<Impl>(options, now)) {}
Validator::~Validator() = default;

void Validator::feed(std::string_view bytes) {
  if (!impl_->header_seen) {
    bytes.remove_prefix(impl_->header.feed(bytes));
    if (!impl_->header.done()) return;
    impl_->end_header();
  }
  if (!impl_->pairs.empty()) impl_->body.feed(bytes);
}

std::vector<std::string> Validator::key_names() const {
  std::vector<std::string> out;
  for (const Pair& pair : impl_->pairs) {
    for (const dkim::Candidate* candidate : {&pair.message, &pair.seal}) {
      auto name = dkim::key_name(candidate->signature.selector, candidate->signature.domain);
      if (std::ranges::find(out, name) == out.end()) out.push_back(std::move(name));
    }
  }
  return out;
}

Task<Verdict> Validator::finish(dns::Resolver& resolver) {
  Impl& impl = *impl_;
  if (!impl.header_seen) {
    impl.header.finish();
    impl.end_header();
  }
  if (impl.pairs.empty()) co_return std::move(impl.verdict);
  impl.body.finish();
  impl.for_each = std::min(dns::kLookupTimeout, impl.options.lookup_time / static_cast<int>(key_names().size()));
  Verdict out = std::move(impl.verdict);
  const auto broken = [&](std::size_t i, const dkim::Candidate& candidate, std::string_view what) {
    out.result = ChainState::fail;
    out.broken_at = static_cast<unsigned>(i + 1);
    out.temporary = candidate.verdict.result == dkim::Result::temperror;
    out.text = fmt::format("the {} of instance {} does not hold: {}", what, i + 1, candidate.verdict.text);
    impl.take_over(out);
  };
  // RFC 8617 5.2 steps 4 and 5
  std::size_t holds = impl.pairs.size();  // this one and those above pass, counted from 0
  while (holds > 0 && (impl.options.oldest_pass || holds == impl.pairs.size())) {
    Pair& pair = impl.pairs[holds - 1];
    dkim::Candidate& message = pair.message;
    bool passes = co_await impl.check(resolver, message, true);
    if (!passes && pair.relaxed) {
      passes = co_await impl.check(resolver, *pair.relaxed, true);
      if (passes) message = *pair.relaxed;
    }
    if (!passes && holds == impl.pairs.size()) {
      broken(holds - 1, message, "message signature");
      co_return out;
    }
    if (!passes) break;
    --holds;
  }
  out.oldest_pass = holds == 0 || !impl.options.oldest_pass ? 0 : static_cast<unsigned>(holds + 1);
  // RFC 8617 5.2 step 6
  for (std::size_t i = impl.pairs.size(); i-- > 0;) {
    dkim::Candidate& seal = impl.pairs[i].seal;
    const bool passes = co_await impl.check(resolver, seal, false);
    if (passes) continue;
    broken(i, seal, "seal");
    co_return out;
  }
  out.result = ChainState::pass;
  out.text = fmt::format("the chain of {} holds; {} sealed it last", impl.pairs.size(), impl.pairs.back().seal.verdict.domain);
  impl.take_over(out);
  co_return out;
}

}  // namespace godwit::arc
