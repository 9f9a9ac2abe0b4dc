#include "check/dkim/key_record.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "check/dkim/tags.h"

namespace godwit::dkim {
namespace {

godwit::Result<std::vector<std::string>> read_words(const Tag& tag, bool star) {
  GODWIT_ASSIGN(const auto elements, split_list(tag.value));
  std::vector<std::string> out;
  for (const std::string_view element : elements) {
    if (!is_hyphenated_word(element) && !(star && element == "*"))
      return fail(Error::syntax(fmt::format("{}= of the key record holds something else than words", tag.name), tag.begin));
    out.emplace_back(element);
  }
  return out;
}

bool holds(const std::vector<std::string>& words, std::string_view word) { return std::ranges::find(words, word) != words.end(); }

godwit::Result<> read_version(const TagList& tags) {
  const Tag* const v = tags.find("v");
  if (v == nullptr) return {};
  // RFC 6376 3.6.1, v=: MUST be the first tag, and DKIM1 to the letter
  if (v != tags.tags().data()) return fail(Error::syntax("v= of the key record is not its first tag", v->begin));
  if (v->value != "DKIM1") return fail(Error::syntax("the key record is of another version than DKIM1", v->begin));
  return {};
}

godwit::Result<> read_key(const TagList& tags, KeyRecord& record) {
  const Tag* const p = tags.find("p");
  if (p == nullptr) return fail(Error::syntax("the key record has no p=", 0));
  if (p->value.empty()) return {};  // RFC 6376 3.6.1, p=: revoked
  auto key = decode_base64(p->value);
  if (!key) return fail(Error::syntax("p= of the key record is not base64", p->begin));
  record.key = *std::move(key);
  return {};
}

}  // namespace

bool KeyRecord::takes_hash(std::string_view hash) const { return hashes.empty() || holds(hashes, hash); }

bool KeyRecord::for_email() const { return holds(services, "*") || holds(services, "email"); }

godwit::Result<crypto::PublicKey> KeyRecord::public_key() const {
  if (key_type == "rsa") return crypto::PublicKey::rsa_from_der(key);
  if (key_type == "ed25519") return crypto::PublicKey::ed25519_from_bytes(key);
  return fail(Error::permanent(Error::Cause::unsupported, "a key of a type that is not known here"));
}

godwit::Result<KeyRecord> parse_key_record(std::string_view text) {
  GODWIT_ASSIGN(const TagList tags, TagList::parse(text));
  GODWIT_TRY(read_version(tags));
  KeyRecord record;
  if (const Tag* const k = tags.find("k")) {
    if (!is_hyphenated_word(k->value)) return fail(Error::syntax("k= of the key record is not a word", k->begin));
    record.key_type = std::string(k->value);
  }
  if (const Tag* const h = tags.find("h")) {
    GODWIT_ASSIGN(record.hashes, read_words(*h, false));
  }
  if (const Tag* const s = tags.find("s")) {
    GODWIT_ASSIGN(record.services, read_words(*s, true));
  }
  if (const Tag* const t = tags.find("t")) {
    GODWIT_ASSIGN(const auto flags, read_words(*t, false));
    record.testing = holds(flags, "y");
    record.same_domain = holds(flags, "s");
  }
  if (const Tag* const n = tags.find("n")) record.notes = std::string(n->value);
  GODWIT_TRY(read_key(tags, record));
  return record;
}

std::string format_key_record(const crypto::PublicKey& key) {
  const std::string_view type = key.type() == crypto::KeyType::rsa ? "rsa" : "ed25519";
  return fmt::format("v=DKIM1; k={}; p={}", type, base64_encode(key.to_bytes()));
}

}  // namespace godwit::dkim
