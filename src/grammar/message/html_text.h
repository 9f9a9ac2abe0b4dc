#pragma once
// The text of HTML without its tags, for previews: small and tolerant, no parser of documents. Fed in pieces.
//
// Left out: tags, comments, declarations, what stands in title, script, style, template and the like; common character references are
// resolved. A tag that is no inline one is a space. A "<" that begins no tag is text. Memory is constant; never fails. One caller.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::message {

class HtmlText {
 public:
  struct Run {
    std::string text;
    bool quoted = false;  // in a blockquote
  };

  // UTF-8 in, cut anywhere; appends runs of UTF-8 (white space and control characters as they came).
  void feed(std::string_view utf8, std::vector<Run>& out);
  void finish(std::vector<Run>& out);

 private:
  enum class State : std::uint8_t { text, reference, open, tag, quoted_value, declaration, comment, raw, raw_end };
  static constexpr std::size_t kMaxName = 16;       // of a tag; longer ones are unknown
  static constexpr std::size_t kMaxReference = 32;  // of a character reference

  bool step(char c);  // false: look at it again
  bool step_text(char c);
  bool step_reference(char c);
  bool step_open(char c);
  bool step_tag(char c);
  bool step_comment(char c);
  bool step_raw_end(char c);
  void end_reference(bool closed);
  void end_tag();
  void put(std::string_view text);

  State state_ = State::text;
  std::string name_;  // of the tag (with its "/"), or what follows "&"
  std::string raw_;   // whose end is waited for: script, style ...
  bool name_done_ = false;
  bool empty_tag_ = false;  // "/>"
  char quote_ = '\0';
  char last_ = '\0';  // in a tag: the one before, white space apart
  std::uint32_t dashes_ = 0;
  std::uint32_t quotes_ = 0;  // blockquotes that are open
  std::vector<Run>* out_ = nullptr;
};

}  // namespace godwit::message
