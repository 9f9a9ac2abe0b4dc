#include "dkim_old_rules.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "check/dkim/header_fields.h"
#include "check/dkim/key_lookup.h"
#include "check/dkim/key_record.h"
#include "check/dkim/tags.h"

namespace godwit::conformance {
namespace {

struct Collector final : dkim::ByteSink {
  void write(std::string_view bytes) override { text.append(bytes); }
  std::string text;
};

std::string_view value_of(const dkim::TagList& tags, std::string_view name) {
  const dkim::Tag* const tag = tags.find(name);
  return tag == nullptr ? std::string_view() : tag->value;
}

std::string digest(const EVP_MD* md, std::string_view bytes) {
  std::string out(static_cast<std::size_t>(EVP_MD_get_size(md)), '\0');
  EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr, md, nullptr);
  return out;
}

bool verifies(const EVP_MD* md, const std::string& spki, const std::string& hash, const std::string& signature) {
  const auto* der = reinterpret_cast<const unsigned char*>(spki.data());
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(d2i_PUBKEY(nullptr, &der, static_cast<long>(spki.size())), EVP_PKEY_free);
  if (!key) return false;
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(EVP_PKEY_CTX_new(key.get(), nullptr), EVP_PKEY_CTX_free);
  return EVP_PKEY_verify_init(context.get()) == 1 && EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
         EVP_PKEY_CTX_set_signature_md(context.get(), md) == 1 &&
         EVP_PKEY_verify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                         reinterpret_cast<const unsigned char*>(hash.data()), hash.size()) == 1;
}

struct Message {
  dkim::HeaderFields header;
  std::string_view body;
};

class OldSignature {
 public:
  OldSignature(const Message& message, std::uint32_t field, const dkim::TagList& tags) : message_(message), field_(field), tags_(tags) {}

  OldResult judge(const std::function<std::optional<std::string>(const std::string&)>& find_key) const {
    const std::string_view algorithm = value_of(tags_, "a");
    const EVP_MD* const md = algorithm == "rsa-sha1" ? EVP_sha1() : algorithm == "rsa-sha256" ? EVP_sha256() : nullptr;
    const auto signature = dkim::decode_base64(value_of(tags_, "b"));
    const auto wanted = dkim::decode_base64(value_of(tags_, "bh"));
    const std::string_view c = value_of(tags_, "c");
    const auto slash = std::min(c.find('/'), c.size());
    const auto header = canonicalization(c.substr(0, slash));
    const auto body = canonicalization(slash < c.size() ? c.substr(slash + 1) : std::string_view());
    const auto record = find_key(dkim::key_name(value_of(tags_, "s"), ascii_lower(value_of(tags_, "d"))));
    if (md == nullptr || !signature || !wanted || !header || !body || !record) return OldResult::invalid;
    const auto key = dkim::parse_key_record(*record);
    if (!key || key->revoked()) return OldResult::invalid;
    const bool good =
        digest(md, canonical_body(*body)) == *wanted && verifies(md, key->key, digest(md, signed_header(*header)), *signature);
    return good ? OldResult::pass : OldResult::fail;
  }

 private:
  static std::optional<dkim::Canonicalization> canonicalization(std::string_view name) {
    if (name.empty() || name == "simple") return dkim::Canonicalization::simple;
    return name == "relaxed" ? std::optional(dkim::Canonicalization::relaxed) : std::nullopt;
  }

  std::string canonical_body(dkim::Canonicalization how) const {
    Collector out;
    dkim::BodyCanonicalizer canonicalizer(how);
    canonicalizer.feed(message_.body, out);
    canonicalizer.finish(out);
    const auto length = dkim::parse_number(value_of(tags_, "l"), 76);
    return length ? out.text.substr(0, static_cast<std::size_t>(*length)) : out.text;
  }

  std::string signed_header(dkim::Canonicalization how) const {
    std::vector<std::string> names;
    if (const auto list = dkim::split_list(value_of(tags_, "h")))
      for (const std::string_view name : *list) names.push_back(ascii_lower(name));
    Collector out;
    for (const std::uint32_t field : message_.header.select(names, field_)) {
      dkim::FieldCanonicalizer canonicalizer(how);
      canonicalizer.feed(message_.header.bytes(field), out);
      canonicalizer.finish(out);
      out.write("\r\n");
    }
    const auto whole = message_.header.bytes(field_);
    const auto text = message_.header.value(field_);
    const dkim::Tag* const b = tags_.find("b");
    dkim::FieldCanonicalizer canonicalizer(how);
    canonicalizer.feed(whole.substr(0, whole.size() - text.size() + b->begin), out);
    canonicalizer.feed(text.substr(b->end), out);
    canonicalizer.finish(out);
    return out.text;
  }

  const Message& message_;
  std::uint32_t field_;
  const dkim::TagList& tags_;
};

}  // namespace

std::optional<OldResult> judge_by_old_rules(std::string_view text,
                                            const std::function<std::optional<std::string>(const std::string& name)>& key) {
  Message message;
  message.body = text.substr(message.header.feed(text));
  message.header.finish();
  std::optional<OldResult> best;
  for (const std::uint32_t field : message.header.named("dkim-signature")) {
    const auto tags = dkim::TagList::parse(message.header.value(field));
    if (!tags || tags->find("bh") == nullptr) continue;
    best = std::max(best.value_or(OldResult::invalid), OldSignature(message, field, *tags).judge(key));
  }
  return best;
}

}  // namespace godwit::conformance
