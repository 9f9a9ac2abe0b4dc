#include "check/dkim/sign.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/encoding.h"
#include "check/dkim/body_hash.h"
#include "check/dkim/header_fields.h"

namespace godwit::dkim {
namespace {

constexpr std::size_t kColumns = 77;  // RFC 5322 2.1.1: lines SHOULD have no more than 78
constexpr std::string_view kFold = "\r\n ";

// A field that is folded as it grows.
class FoldedField {
 public:
  explicit FoldedField(std::string begin) : text_(std::move(begin)), column_(text_.size()) {}

  // " name=value;" on this line if there is room, else on the next.
  void tag(std::string_view name, std::string_view value) { word(fmt::format("{}={};", name, value)); }

  // RFC 6376 3.5, h=: white space may stand around the colons
  void list(std::string_view name, const std::vector<std::string>& items) {
    std::string begin = fmt::format("{}=", name);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const std::string item = begin + items[i] + (i + 1 < items.size() ? ":" : ";");
      if (i == 0)
        word(item);
      else
        piece(item);
      begin.clear();
    }
  }

  void word(std::string_view word) {
    if (column_ + 1 + word.size() > kColumns) {
      fold();
    } else {
      text_ += ' ';
      ++column_;
    }
    append(word);
  }

  std::string take() { return std::move(text_); }

 private:
  void piece(std::string_view piece) {
    if (column_ + piece.size() > kColumns) fold();
    append(piece);
  }

  void fold() {
    text_ += kFold;
    column_ = 1;
  }

  void append(std::string_view text) {
    text_ += text;
    column_ += text.size();
  }

  std::string text_;
  std::size_t column_;
};

// `text` and behind it the value of b=, folded (RFC 6376 3.5, b=: white space is no part of it).
std::string with_signature(std::string text, std::string_view signature) {
  const std::size_t line = text.rfind('\n');
  std::size_t column = line == std::string::npos ? text.size() : text.size() - line - 1;
  const std::string base64 = base64_encode(signature);
  for (std::size_t i = 0; i < base64.size();) {
    if (column >= kColumns) {
      text += kFold;
      column = 1;
    }
    const auto part = std::string_view(base64).substr(i, kColumns - column);
    text += part;
    column += part.size();
    i += part.size();
  }
  return text + "\r\n";
}

}  // namespace

struct Signer::Impl {
  Impl(std::vector<SigningKey> with, SignOptions how, WallTime at) : keys(std::move(with)), options(std::move(how)), now(at) {}

  std::string begin_field(const SigningKey& key, const std::vector<std::string>& fields) const;

  std::vector<SigningKey> keys;
  SignOptions options;
  WallTime now;
  HeaderFields header;
  BodyHashes body;
  std::size_t body_number = 0;
};

// Everything up to "b=", which is what gets signed (RFC 6376 3.7).
std::string Signer::Impl::begin_field(const SigningKey& key, const std::vector<std::string>& fields) const {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch();
  FoldedField field("DKIM-Signature:");
  field.tag("v", "1");
  field.tag("a", key.algorithm());
  field.tag("c", fmt::format("{}/{}", to_string(options.header), to_string(options.body)));
  field.tag("d", key.domain());
  field.tag("s", key.selector());
  field.tag("t", fmt::to_string(seconds.count()));
  if (options.lifetime) field.tag("x", fmt::to_string((seconds + *options.lifetime).count()));
  field.list("h", fields);
  field.tag("bh", base64_encode(body.hash(body_number).sha256));
  field.word("b=");
  return field.take();
}

Signer::Signer(std::vector<SigningKey> keys, SignOptions options, WallTime now)
    : impl_(std::make_unique<Impl>(std::move(keys), std::move(options), now)) {
  if (!impl_->keys.empty()) impl_->body_number = impl_->body.add({impl_->options.body, std::nullopt});
}

Signer::~Signer() = default;

void Signer::feed(std::string_view bytes) {
  bytes.remove_prefix(impl_->header.feed(bytes));
  if (impl_->header.done() && !impl_->header.too_large()) impl_->body.feed(bytes);
}

godwit::Result<PreparedSignatures> Signer::finish() {
  PreparedSignatures out;
  if (impl_->keys.empty()) return out;
  HeaderFields& header = impl_->header;
  header.finish();
  impl_->body.finish();
  if (header.too_large()) return fail(Error::permanent(Error::Cause::limit, "the header is too large to be signed"));
  // RFC 6376 5.4: From MUST be signed; RFC 6376 3.8: what is not valid is not to be signed
  const std::size_t authors = header.named("from").size();
  if (authors != 1)
    return fail(Error::permanent(Error::Cause::syntax, fmt::format("a message with {} From fields is not signed", authors)));
  if (header.continues_nothing())
    return fail(Error::permanent(Error::Cause::syntax, "a message that begins with white space is not signed"));
  GODWIT_ASSIGN(const auto fields, choose_fields(header, impl_->options.fields));
  std::vector<std::string> names;
  std::ranges::transform(fields, std::back_inserter(names), [](const std::string& name) { return ascii_lower(name); });
  if (std::ranges::find(names, "from") == names.end())
    return fail(Error::permanent(Error::Cause::unsupported, "the fields to sign lack From"));
  const auto selected = header.select(names, std::nullopt);
  for (const SigningKey& key : impl_->keys) {
    std::string text = impl_->begin_field(key, fields);
    const std::array<std::string_view, 1> last = {text};
    std::string hash = header.hash(impl_->options.header, selected, last);
    out.fields_.push_back({std::move(text), std::move(hash), key.key()});
  }
  return out;
}

bool PreparedSignatures::slow() const {
  return std::ranges::any_of(fields_, [](const Field& each) { return each.key.type() == crypto::KeyType::rsa; });
}

godwit::Result<std::string> sign(const PreparedSignatures& prepared) {
  std::string out;
  for (const auto& field : prepared.fields_) {
    GODWIT_ASSIGN(const std::string signature, field.key.sign(field.hash));
    out += with_signature(field.text, signature);
  }
  return out;
}

}  // namespace godwit::dkim
