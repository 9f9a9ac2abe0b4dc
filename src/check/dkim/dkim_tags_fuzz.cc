// Tag lists, signatures and key records: what is read stands in the text, keeps its own rules, and reads the same when written.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "check/dkim/key_record.h"
#include "check/dkim/names.h"
#include "check/dkim/signature.h"
#include "check/dkim/tags.h"

using namespace godwit;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_tags(std::string_view input) {
  const auto list = dkim::TagList::parse(input);
  if (!list) return require(list.error().position <= input.size());
  std::string written;
  for (const dkim::Tag& tag : list->tags()) {
    require(tag.begin <= tag.end && tag.end <= input.size() && input[tag.begin - 1] == '=');
    require(tag.value.find(';') == std::string_view::npos && list->find(tag.name) == &tag);
    require(dkim::without_white_space(input.substr(tag.begin, tag.end - tag.begin)) == dkim::without_white_space(tag.value));
    written += std::string(tag.name) + "=" + std::string(tag.value) + ";";
  }
  const auto again = dkim::TagList::parse(written);
  require(again && std::ranges::equal(again->tags(), list->tags(),
                                      [](const dkim::Tag& a, const dkim::Tag& b) { return a.name == b.name && a.value == b.value; }));
}

void check_signature(std::string_view input) {
  const auto [signature, fault] = dkim::parse_signature(input);
  require(signature.data_begin <= signature.data_end && signature.data_end <= input.size());
  require(!fault || (!fault->text.empty() && dkim::result_of(fault->reason) == dkim::Result::permerror));
  if (fault) return;
  require(signature.algorithm != dkim::Algorithm::other && !signature.data.empty() && signature.body_hash.size() == 32);
  require(input[signature.data_begin - 1] == '=');
  require(dkim::parse_dns_name(signature.domain, 2) == signature.domain &&
          dkim::parse_dns_name(signature.selector, 1) == signature.selector);
  require(dkim::is_within(signature.identity_domain, signature.domain));
  require(std::ranges::find(signature.fields, "from") != signature.fields.end() && signature.fields.size() <= dkim::kMaxSignedFields);
  require(!signature.time || !signature.expiry || *signature.time < *signature.expiry);
}

void check_key(std::string_view input) {
  const auto record = dkim::parse_key_record(input);
  if (!record) return;
  const auto key = record->public_key();
  if (!key) return;
  const auto again = dkim::parse_key_record(dkim::format_key_record(*key));
  require(again && again->key_type == record->key_type);
  const auto same = again->public_key();
  require(same && same->bits() == key->bits() && same->to_bytes() == key->to_bytes());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_tags(input);
  check_signature(input);
  check_key(input);
  ignore(dkim::decode_quoted_printable(input), "it need only not crash");
  return 0;
}
