#pragma once
// The log: one line an event, named fields, logfmt or JSON, through one asynchronous bounded queue.
//
//   log::info("accepted", {{"msg", id.text()}, {"session", session}, {"size", size}});
//
// Any thread; never blocks: what the queue cannot take is counted and the count logged later (DESIGN.md, logging).
// Field names used everywhere: msg (message id), session, peer, account, rcpt, site, error.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace godwit::log {

enum class Level : std::uint8_t { debug, info, warning, error };
enum class Format : std::uint8_t { logfmt, json };

struct Field {
  template <class T>
  Field(std::string_view k, const T& v) : key(k), value(convert(v)) {}

  std::string_view key;
  std::variant<std::string_view, std::int64_t, std::uint64_t, bool> value;

 private:
  template <class T>
  static decltype(value) convert(const T& v) {
    if constexpr (std::is_same_v<T, bool>)
      return v;
    else if constexpr (std::is_unsigned_v<T>)
      return static_cast<std::uint64_t>(v);
    else if constexpr (std::is_integral_v<T>)
      return static_cast<std::int64_t>(v);
    else
      return std::string_view(v);
  }
};

// Call once, before threads start; without it nothing is written (unit tests). Destination: standard error.
void start(Format format, Level least);
// From now on; any thread.
void set_level(Level least);
// Waits, two seconds at most, until what is queued is written: before a process ends itself. Any thread.
void flush();
// Writes what is queued; call last, when no other thread logs.
void stop();

void write(Level level, std::string_view event, std::initializer_list<Field> fields);
bool enabled(Level level);
std::uint64_t dropped();

// One line as it would be written, without time and level (for tests and the audit of what a line looks like).
std::string render(Format format, std::string_view event, std::initializer_list<Field> fields);

inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) { write(Level::debug, event, fields); }
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) { write(Level::info, event, fields); }
inline void warning(std::string_view event, std::initializer_list<Field> fields = {}) { write(Level::warning, event, fields); }
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) { write(Level::error, event, fields); }

}  // namespace godwit::log
