#pragma once
// Works an email's details out while its bytes come by, so that nobody has to read them again for it. Only for what is small: a header of
// kMaxHeldBytes at most, a structure of kMaxMaking bytes. The details of other messages are worked out when first asked for.
//
// Memory: kMaxHeldBytes and kMaxMaking. Owned by one caller, any thread.

#include <optional>
#include <string>
#include <string_view>

#include "state/mailbox/details.h"

namespace godwit::mailbox {

class DetailsMaker {
 public:
  static constexpr std::size_t kMaxHeldBytes = 32 * 1024;  // of the message's beginning
  static constexpr std::size_t kMaxMaking = 256 * 1024;

  void feed(std::string_view bytes);
  // The message is over: its row, as encode_details() makes it, for NewEmail::details. "": it has to be worked out later.
  std::string finish();

 private:
  bool add_references(Details& details) const;
  bool add_preview(Details& details) const;

  std::optional<message::MimeParser> parser_ = message::MimeParser();
  std::string beginning_;
};

// RFC 9051 7.5.2: a part's envelope is that of the message in it; the root's own goes apart, as it is asked for alone.
message::Envelope take_root_envelope(message::Structure& structure);

}  // namespace godwit::mailbox
