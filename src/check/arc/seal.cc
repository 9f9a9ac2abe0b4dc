#include "check/arc/seal.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/encoding.h"
#include "check/arc/chain.h"
#include "check/dkim/body_hash.h"
#include "check/dkim/signed_fields.h"

namespace godwit::arc {
namespace {

constexpr std::size_t kColumns = 77;  // RFC 5322 2.1.1
constexpr std::string_view kFold = "\r\n\t";

// Base64 in pieces of a line's length: white space in b= is no part of it.
std::string folded(const std::string& base64) {
  std::string out;
  for (std::size_t i = 0; i < base64.size(); i += kColumns - 8) out += std::string(kFold) + base64.substr(i, kColumns - 8);
  return out;
}

// "a:b:c", folded at the colons where it is long (RFC 6376 3.5, h=).
std::string joined(const std::vector<std::string>& names) {
  std::string out;
  std::size_t column = 10;
  for (const std::string& name : names) {
    if (!out.empty()) out += ':';
    if (column + name.size() + 1 > kColumns) {
      out += kFold;
      column = 8;
    }
    out += name;
    column += name.size() + 1;
  }
  return out;
}

godwit::Error refusal(Error::Cause cause, std::string text) { return Error::permanent(cause, std::move(text)); }

}  // namespace

struct Sealer::Impl {
  godwit::Result<std::vector<std::string>> choose() const;
  std::string earlier(const Verdict& chain) const;

  dkim::SigningKey key;
  authres::Results results;
  WallTime now;
  std::vector<std::string> fields;
  dkim::HeaderFields header{};
  dkim::BodyHashes body{};
  std::size_t body_number = 0;
};

godwit::Result<std::vector<std::string>> Sealer::Impl::choose() const {
  if (!fields.empty()) return fields;
  GODWIT_ASSIGN(std::vector<std::string> out, dkim::choose_fields(header, dkim::default_field_rules()));
  // RFC 8617 4.1.2: SHOULD include the DKIM-Signature fields that are there
  const std::size_t signatures = std::min(header.named(dkim::kSignatureField).size(), dkim::kMaxInstances);
  out.insert(out.end(), signatures, "DKIM-Signature");
  return out;
}

std::string Sealer::Impl::earlier(const Verdict& chain) const {
  std::string out;
  if (chain.sets.empty()) return out;
  for (const std::string_view name : {kSealField, kMessageField, kResultsField})
    for (const std::uint32_t field : header.named(name)) out += std::string(header.bytes(field)) + "\r\n";
  return out;
}

Sealer::Sealer(dkim::SigningKey key, authres::Results results, WallTime now, std::vector<std::string> fields)
    : impl_(new Impl{std::move(key), std::move(results), now, std::move(fields)}) {
  impl_->body_number = impl_->body.add({dkim::Canonicalization::relaxed, std::nullopt});
}
Sealer::~Sealer() = default;

void Sealer::feed(std::string_view bytes) {
  bytes.remove_prefix(impl_->header.feed(bytes));
  if (impl_->header.done()) impl_->body.feed(bytes);
}

godwit::Result<PreparedSeal> Sealer::finish(const Verdict& chain) {
  dkim::HeaderFields& header = impl_->header;
  header.finish();
  impl_->body.finish();
  if (header.too_large()) return fail(refusal(Error::Cause::limit, "the header is too large to be sealed"));
  if (header.continues_nothing()) return fail(refusal(Error::Cause::syntax, "the message begins with white space"));
  if (header.named("from").size() != 1) return fail(refusal(Error::Cause::syntax, "the message has not exactly one From field"));
  if (chain.result == ChainState::fail) return fail(refusal(Error::Cause::corrupt, "a chain that fails is not continued"));
  if (chain.sets.size() >= kMaxInstance) return fail(refusal(Error::Cause::limit, "the chain has 50 sets"));
  GODWIT_ASSIGN(const auto names, impl_->choose());
  const dkim::SigningKey& key = impl_->key;
  const auto instance = static_cast<unsigned>(chain.sets.size() + 1);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(impl_->now).time_since_epoch().count();
  PreparedSeal out{.results = {},
                   .message = {},
                   .message_end = {},
                   .message_hash = {},
                   .seal = {},
                   .seal_end = {},
                   .earlier = {},
                   .instance = instance,
                   .key = key};
  out.results = fmt::format("ARC-Authentication-Results: i={};{}\r\n", instance, authres::format_body(impl_->results, 33));
  const std::string tail = fmt::format("d={};", key.domain());
  out.message = fmt::format("ARC-Message-Signature: a={}; b=", key.algorithm());
  out.message_end =
      fmt::format(";{0}bh={1};{0}c=relaxed/relaxed; {2}{0}h={3};{0}i={4}; s={5}; t={6}", kFold,
                  base64_encode(impl_->body.hash(impl_->body_number).sha256), tail, joined(names), instance, key.selector(), seconds);
  out.seal = fmt::format("ARC-Seal: a={}; b=", key.algorithm());
  out.seal_end = fmt::format(";{}cv={}; {} i={}; s={}; t={}", kFold, to_string(chain.result), tail, instance, key.selector(), seconds);
  std::vector<std::string> lower;
  for (const std::string& name : names) lower.push_back(ascii_lower(name));
  const std::array<std::string_view, 2> own = {out.message, out.message_end};
  // The results stand in front by then; whoever wants them covered names them.
  dkim::HeaderFields whole(dkim::HeaderFields::kMaxBytes + out.results.size());
  whole.feed(out.results);
  for (std::size_t i = 0; i < header.size(); ++i) whole.feed(std::string(header.bytes(i)) + "\r\n");
  whole.finish();
  out.message_hash = whole.hash(dkim::Canonicalization::relaxed, whole.select(lower, std::nullopt), own);
  out.earlier = impl_->earlier(chain);
  return out;
}

godwit::Result<std::string> seal(const PreparedSeal& prepared) {
  GODWIT_ASSIGN(const std::string message_data, prepared.key.key().sign(prepared.message_hash));
  const std::string message = prepared.message + folded(base64_encode(message_data)) + prepared.message_end + "\r\n";
  // RFC 8617 5.1.1: the seal covers the sets before, and this one with a seal without a value
  dkim::HeaderFields header(4 * dkim::HeaderFields::kMaxBytes);
  header.feed(prepared.seal + "AA==" + prepared.seal_end + "\r\n" + message + prepared.results + prepared.earlier + "\r\n");
  const Chain chain = collect(header, kMaxInstance);
  if (!chain.fault.empty() || chain.links.size() != prepared.instance)
    return fail(refusal(Error::Cause::corrupt, "the chain cannot be continued: " + chain.fault));
  GODWIT_ASSIGN(const std::string seal_data, prepared.key.key().sign(seal_hash(header, chain.links, prepared.instance - 1)));
  return prepared.seal + folded(base64_encode(seal_data)) + prepared.seal_end + "\r\n" + message + prepared.results;
}

}  // namespace godwit::arc
