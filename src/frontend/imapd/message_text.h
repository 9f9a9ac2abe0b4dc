#pragma once
// A message as text for a search: header fields with their encoded words decoded, the parts of its body with transfer encoding and charset
// taken off, all in UTF-8 and in pieces. Internal to the search.
//
// Memory: a window of 64 KiB of the message, what one piece decodes to, and a header field of up to kMaxFieldText. Time: the loop is let go
// of after each kWorkAtOnce bytes of text, counted once for every needle that looks at them.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/task.h"
#include "edge/store/blobs.h"
#include "grammar/message/mime.h"
#include "state/mailbox/email.h"

namespace godwit::imapd {

inline constexpr std::size_t kMaxFieldText = 64 * 1024;  // of a header field; what follows is not looked at
inline constexpr std::size_t kWorkAtOnce = 1024 * 1024;

// How much has been done since others had their turn, and whether to go on at all.
class SearchPace {
 public:
  explicit SearchPace(std::function<bool()> stop) : stop_(std::move(stop)) {}

  void did(std::size_t work) { done_ += work; }
  bool tired() const { return done_ >= kWorkAtOnce; }
  // Lets others run. `cancelled` when nobody wants the result any more.
  Task<Result<void>> rest();

 private:
  std::function<bool()> stop_;
  std::size_t done_ = 0;
};

// Who looks at the text. Where a call returns false, enough has been seen of this message.
class TextReader {
 public:
  virtual ~TextReader() = default;
  // A header field, its name in lower case. `raw` is the body of the field, encoded words and all, unfolded.
  virtual bool field(std::string_view name, std::string_view raw) = 0;
  virtual bool begin_part() = 0;
  // What the part begun last says, in UTF-8 cut anywhere.
  virtual bool text(std::string_view utf8) = 0;
  // Bytes of text count this many times (needles).
  virtual std::size_t weight() const = 0;
};

class MessageText {
 public:
  // All of them outlive it.
  MessageText(store::Blobs& blobs, const mailbox::Email& email, SearchPace& pace) : blobs_(blobs), email_(email), pace_(pace) {}

  // The fields from `begin` to the first empty line, or to `end`.
  Task<Result<void>> read_header(std::uint64_t begin, std::uint64_t end, TextReader& reader);
  // The text of a part whose is_text() is true.
  Task<Result<void>> read_part(const message::Part& part, TextReader& reader);

  std::uint64_t size() const { return email_.size(); }

 private:
  // What is there from `offset` on, at least a byte, at most up to `end`; good until the next call. `corrupt` at the message's end.
  Task<Result<std::string_view>> window(std::uint64_t offset, std::uint64_t end);

  store::Blobs& blobs_;
  const mailbox::Email& email_;
  SearchPace& pace_;
  std::string bytes_;
  std::uint64_t begin_ = 0;
};

// RFC 9051 6.4.4: parts other than text and messages are not searched. What claims to be made of parts and could not be taken apart
// is searched as it stands.
bool is_text(const message::Part& part);

}  // namespace godwit::imapd
