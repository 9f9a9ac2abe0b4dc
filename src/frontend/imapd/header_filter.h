#pragma once
// A header as it streams by: where it ends, and which of its fields were asked for (RFC 9051 6.4.5.1). Lines end with LF or CRLF; the empty
// line ends the header, as for message::MimeParser. Memory is constant. Owned by one caller.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::imapd {

class HeaderEnd {
 public:
  // True once the empty line has gone by; then nothing more is looked at.
  bool feed(std::string_view bytes);
  std::uint64_t position() const { return position_; }  // behind the empty line; without one, of what was fed

 private:
  std::uint64_t position_ = 0;
  std::uint64_t line_ = 0;  // bytes of the line so far
  bool cr_ = false;         // its first one is a CR
  bool found_ = false;
};

// HEADER.FIELDS (`matching`) and HEADER.FIELDS.NOT: whole fields, folded as they are, in their order, and the empty line if there is one.
// Names are the same in any ASCII case. Lines that are no fields belong to HEADER.FIELDS.NOT.
class HeaderFilter {
 public:
  static constexpr std::size_t kMaxName = 1'000;  // a field with a longer name matches nothing

  // `names` outlives the filter.
  HeaderFilter(const std::vector<std::string>& names, bool matching) : names_(&names), matching_(matching), keep_(!matching) {}

  void feed(std::string_view bytes, std::string& out);
  void finish(std::string& out);                       // the header is over, perhaps without an empty line
  bool done() const { return state_ == State::done; }  // the empty line has come

 private:
  enum class State : std::uint8_t { name, rest, done };

  std::string_view take_name(std::string_view bytes, std::string& out);  // the rest of `bytes`
  std::string_view take_rest(std::string_view bytes, std::string& out);
  void decide(std::string& out);
  bool asked_for(std::string_view name) const;

  const std::vector<std::string>* names_;
  bool matching_;
  bool keep_;  // the field under way
  State state_ = State::name;
  std::string held_;  // the beginning of a line, until it is known what it is
};

}  // namespace godwit::imapd
