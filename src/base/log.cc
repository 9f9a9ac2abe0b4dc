#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/async.h>
#include <spdlog/async_logger.h>

#include <atomic>
#include <memory>
#include <thread>

#include "base/clock.h"
#include "base/log_sink.h"
#include "base/thread_name.h"

namespace godwit::log {
namespace {

constexpr std::size_t kQueueLines = 16'384;

struct State {
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<GatheringSink> sink;
  std::shared_ptr<spdlog::async_logger> logger;
  Format format = Format::logfmt;
};

State& state() {
  static State instance;
  return instance;
}

std::atomic<int> least_level{static_cast<int>(Level::error) + 1};  // nothing until start()

std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warning: return "warning";
    case Level::error: return "error";
  }
  return "error";
}

void append_json_text(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

bool needs_quotes(std::string_view text) {
  if (text.empty()) return true;
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) return true;
  return false;
}

void append_field(std::string& out, Format format, const Field& field) {
  if (format == Format::json) {
    out += ',';
    append_json_text(out, field.key);
    out += ':';
  } else {
    out += ' ';
    out += field.key;
    out += '=';
  }
  if (const auto* text = std::get_if<std::string_view>(&field.value)) {
    if (format == Format::json || needs_quotes(*text))
      append_json_text(out, *text);
    else
      out += *text;
  } else if (const auto* integer = std::get_if<std::int64_t>(&field.value)) {
    fmt::format_to(std::back_inserter(out), "{}", *integer);
  } else if (const auto* natural = std::get_if<std::uint64_t>(&field.value)) {
    fmt::format_to(std::back_inserter(out), "{}", *natural);
  } else {
    out += std::get<bool>(field.value) ? "true" : "false";
  }
}

void append_line(std::string& out, Format format, std::string_view event, std::initializer_list<Field> fields) {
  if (format == Format::json) {
    out += "\"event\":";
    append_json_text(out, event);
  } else {
    out += "event=";
    if (needs_quotes(event))
      append_json_text(out, event);
    else
      out += event;
  }
  for (const Field& field : fields) append_field(out, format, field);
}

// "2026-11-22T15:32:40.225Z"; the second's text is made once.
void append_timestamp(std::string& out) {
  thread_local std::chrono::sys_seconds second;
  thread_local std::string text;
  const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto whole = std::chrono::floor<std::chrono::seconds>(now);
  if (text.empty() || whole != second) {
    second = whole;
    text = format_rfc3339(whole);
    text.pop_back();
  }
  out += text;
  fmt::format_to(std::back_inserter(out), ".{:03}Z", (now - whole).count());
}

}  // namespace

void start(Format format, Level least) {
  State& s = state();
  s.format = format;
  s.pool = std::make_shared<spdlog::details::thread_pool>(kQueueLines, 1, [] { name_this_thread("log"); });
  s.sink = std::make_shared<GatheringSink>([pool = s.pool.get()] { return pool->queue_size(); });
  s.logger = std::make_shared<spdlog::async_logger>("godwit", s.sink, s.pool, spdlog::async_overflow_policy::overrun_oldest);
  s.logger->set_level(spdlog::level::trace);
  s.logger->flush_on(spdlog::level::warn);
  least_level = static_cast<int>(least);
}

void set_level(Level least) {
  if (state().logger) least_level = static_cast<int>(least);
}

void flush() {
  const State& s = state();
  if (!s.logger) return;
  s.logger->flush();
  for (int i = 0; i < 200 && s.pool->queue_size() > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the last one is out of the queue a moment before it is written
}

void stop() {
  State& s = state();
  least_level = static_cast<int>(Level::error) + 1;
  if (s.logger) s.logger->flush();
  s.logger.reset();
  s.pool.reset();  // joins after the queue is written
}

bool enabled(Level level) { return static_cast<int>(level) >= least_level.load(std::memory_order_relaxed); }

std::uint64_t dropped() {
  const State& s = state();
  return s.pool ? s.pool->overrun_counter() + s.sink->lost() : 0;
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (!enabled(level)) return;
  const State& s = state();
  std::string line;
  line.reserve(200);
  if (s.format == Format::json) {
    line += "{\"time\":\"";
    append_timestamp(line);
    line += "\",\"level\":\"";
    line += name_of(level);
    line += "\",";
    append_line(line, s.format, event, fields);
    line += '}';
  } else {
    line += "time=";
    append_timestamp(line);
    line += " level=";
    line += name_of(level);
    line += ' ';
    append_line(line, s.format, event, fields);
  }
  s.logger->log(level >= Level::warning ? spdlog::level::warn : spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

std::string render(Format format, std::string_view event, std::initializer_list<Field> fields) {
  std::string line;
  append_line(line, format, event, fields);
  return format == Format::json ? "{" + line + "}" : line;
}

}  // namespace godwit::log
