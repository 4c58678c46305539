import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Map;
import java.util.function.UnaryOperator;

class Sample {
    static final String URL = System.getenv().getOrDefault("HEADGATE_URL", "http://127.0.0.1:8787");
    static final HttpClient CLIENT = HttpClient.newHttpClient();

    /** Sends a request and returns the answer; throws the error of the answer. */
    static JsonObject call(String method, String path, String body) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(URI.create(URL + path))
                .header("Authorization", "Bearer " + System.getenv("HEADGATE_API_KEY"))
                .header("Content-Type", "application/json")
                .timeout(Duration.ofMinutes(2))
                .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                .build();
        var response = CLIENT.send(request, BodyHandlers.ofString());
        var answer = JsonParser.parseString(response.body()).getAsJsonObject();
        if (response.statusCode() >= 400) {
            var error = answer.getAsJsonObject("error");
            throw new IOException(error.get("code").getAsString() + ": " + error.get("message").getAsString());
        }
        return answer;
    }

    static final Map<String, UnaryOperator<String>> FUNCTIONS = Map.of(
            "get_weather", city -> "sunny, 21 °C",
            "get_time", city -> "12:00");

    /** Calls the function that the model named. A model may name one that does not exist: tell it rather than fail. */
    static String run(JsonObject function) {
        var input = JsonParser.parseString(function.get("arguments").getAsString()).getAsJsonObject();
        return FUNCTIONS.getOrDefault(function.get("name").getAsString(), city -> "There is no such function.")
                .apply(input.get("city").getAsString());
    }

    public static void main(String[] arguments) throws Exception {
        var request = JsonParser.parseString("""
                {
                  "model": "demo",
                  "messages": [{"role": "user", "content": "What is the weather in Paris, and what time is it there?"}],
                  "parallel_tool_calls": true,
                  "tools": [
                    {"type": "function", "function": {"name": "get_weather", "description": "The weather in a city.",
                      "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}},
                    {"type": "function", "function": {"name": "get_time", "description": "The local time in a city.",
                      "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}
                  ]
                }""").getAsJsonObject();
        JsonArray messages = request.getAsJsonArray("messages");
        while (true) {
            var message = call("POST", "/v1/chat/completions", request.toString())
                    .getAsJsonArray("choices").get(0).getAsJsonObject().getAsJsonObject("message");
            messages.add(message);
            if (!message.has("tool_calls")) {
                System.out.println(message.get("content").getAsString());
                return;
            }
            for (var element : message.getAsJsonArray("tool_calls")) {
                var called = element.getAsJsonObject();
                var function = called.getAsJsonObject("function");
                System.out.println(function.get("name").getAsString() + " " + function.get("arguments").getAsString());
                var result = new JsonObject();
                result.addProperty("role", "tool");
                result.add("tool_call_id", called.get("id"));
                result.addProperty("content", run(function));
                messages.add(result);
            }
        }
    }
}
