import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;

class Sample {
    static final String URL = System.getenv().getOrDefault("HEADGATE_URL", "http://127.0.0.1:8787");
    static final HttpClient CLIENT = HttpClient.newHttpClient();

    /** Sends a request and returns the answer; throws the error of the answer. */
    static JsonObject call(String method, String path, String body) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(URI.create(URL + path))
                .header("Authorization", "Bearer " + System.getenv("HEADGATE_ADMIN_KEY"))
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

    public static void main(String[] arguments) throws Exception {
        var created = call("POST", "/admin/v1/keys", """
                {"name": "sample", "tier": "free", "models": ["demo"], "budget": {"limit_usd": "5", "window": "month"}}""");
        var path = "/admin/v1/keys/" + created.get("id").getAsString();
        var budget = created.getAsJsonObject("budget");
        System.out.printf("created %s, %s USD a %s%n", created.get("id").getAsString(),
                budget.get("limit_usd").getAsString(), budget.get("window").getAsString());
        // The member key of the answer is shown this once: store it now.

        var secret = call("POST", path + "/rotate", "{\"overlap_seconds\": 3600}").get("key").getAsString();
        System.out.println("rotated: the new secret begins with " + secret.substring(0, 6)
                + ", the former one works for another hour");

        var changed = call("PATCH", path, "{\"budget\": {\"limit_usd\": \"10\", \"window\": \"month\"}}")
                .getAsJsonObject("budget");
        System.out.printf("%s of %s USD spent%n", changed.get("spent_usd").getAsString(),
                changed.get("limit_usd").getAsString());

        System.out.println(call("POST", path + "/revoke", "{\"reason\": \"the sample is over\"}")
                .get("state").getAsString());
    }
}
