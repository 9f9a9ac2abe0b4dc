#include "grammar/message/display_name.h"

#include "grammar/message/charset.h"
#include "grammar/message/encoded_word.h"

namespace godwit::message {

std::string display_name(std::span<const EnvelopeAddress> addresses) {
  if (addresses.empty()) return {};
  const auto& first = addresses.front();
  std::string name = decode_words(first.name);
  if (!name.empty()) return name;
  const bool has_host = first.kind == EnvelopeAddress::Kind::mailbox;  // IMAP shows NIL for a group
  if (!has_host || first.mailbox.empty()) return decode_words(first.mailbox);
  return to_utf8(first.mailbox + "@" + first.host, "utf-8");
}

}  // namespace godwit::message
