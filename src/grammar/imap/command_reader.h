#pragma once
// Puts a command together out of lines and literals, and says about each literal, before a byte of it is kept, whether it is to be had:
// RFC 9051 4.3, RFC 7888 (LITERAL+, LITERAL-), RFC 3516 (literal8). One a connection; no I/O of its own.
//
// The session gives lines (without CRLF) and does what the step says. Memory: `Limits::command` bytes, messages apart: these go from the
// session to the store and never through here.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "grammar/imap/cursor.h"
#include "grammar/imap/dialect.h"

namespace godwit::imap {

// The literal that a line (without CRLF) ends in; nothing if it ends in none. Any "{...}" of digits at the end counts, whatever stands in
// front: what the client is about to send must never be taken for a command.
std::optional<LiteralHead> literal_at_end(std::string_view line);

class CommandReader {
 public:
  struct Limits {
    std::uint64_t literal = 64 * 1024;         // one string
    std::uint64_t command = 256 * 1024;        // lines and strings of a command together
    std::uint64_t message = 50 * 1024 * 1024;  // APPENDLIMIT (RFC 7889); 0 before login, where there is nothing to append to
    std::uint64_t unasked = 4096;              // LITERAL-: larger ones must be asked for. LITERAL+: no bound but the others
    std::uint64_t skip = 64 * 1024 * 1024;     // of refused literals that come all the same; a client with more is hung up on
  };

  struct Step {
    enum class Kind : std::uint8_t {
      command,  // whole: parse_command(text(), ...), then reset()
      literal,  // `size` bytes of a string: give them to add_literal(), then the next line
      message,  // `size` bytes of an APPEND's message: the session keeps them (or calls refuse()), then the next line
      skip,     // `size` bytes that are refused but come all the same: drop them, then give the next line. Nothing is answered yet
      refused,  // answer `error` to tag(), reset(); the next line is a new command
      hopeless  // say BYE with `error` and close: more is coming than anybody reads for nothing
    };
    Kind kind = Kind::command;
    std::uint64_t size = 0;
    bool ask = false;       // literal, message: the client waits for "+ "
    bool binary = false;    // message: literal8
    Error error;            // refused, hopeless. Its cause: as of parse_command; `limit` for what is too large
    std::string_view code;  // refused, hopeless: "TOOBIG", "LIMIT" or ""
  };

  explicit CommandReader(const Limits& limits) : limits_(limits) {}

  // From now on; between commands. Others hold before login than after.
  void set_limits(const Limits& limits) { limits_ = limits; }
  void set_dialect(const Dialect& dialect) { dialect_ = dialect; }

  Step add_line(std::string_view line);
  // In pieces as they come; all together `size` bytes.
  void add_literal(std::string_view bytes);
  // The session does not want the literal of the last step (no such mailbox, over quota, not now): what to do instead.
  Step refuse(Error error, std::string_view code = {});
  // Begins the next command.
  void reset();

  std::string_view tag() const;  // of the command so far; "*" if it has none
  const std::string& text() const { return text_; }
  // Of an APPEND, once a step has said `message`: where it goes, as Append::mailbox will have it.
  const std::string& append_mailbox() const { return append_mailbox_; }
  bool idle() const { return text_.empty() && !refused_; }  // between commands: an empty line may be passed over

 private:
  Step take_literal(const LiteralHead& head, std::size_t literal_at);
  Step skip_or_end(const LiteralHead& head);
  Result<bool> begins_message(std::size_t literal_at);
  Result<> check_append();

  Limits limits_;
  Dialect dialect_;
  std::string text_;           // of a refused command: as far as it was kept
  LiteralHead last_;           // the last literal that was taken
  std::size_t append_at_ = 0;  // up to where the text of an APPEND is known to be right; 0: not begun
  std::string append_mailbox_;
  std::size_t messages_ = 0;    // of an APPEND
  bool append_closes_ = false;  // UTF8 ( was opened
  bool refused_ = false;        // `error_` is answered when the command has ended
  std::uint64_t skipped_ = 0;
  Error error_;
  std::string_view code_;
};

}  // namespace godwit::imap
