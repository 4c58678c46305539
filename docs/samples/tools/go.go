package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

type object = map[string]any

// call sends a request and reads the answer into answer; the error of an answer becomes the error returned.
func call(method, path string, body, answer any) error {
	url := os.Getenv("HEADGATE_URL")
	if url == "" {
		url = "http://127.0.0.1:8787"
	}
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, url+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("HEADGATE_API_KEY"))
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{Timeout: 2 * time.Minute}).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 400 {
		var refusal struct {
			Error struct{ Code, Message string }
		}
		if err := json.NewDecoder(response.Body).Decode(&refusal); err != nil {
			return err
		}
		return fmt.Errorf("%s: %s", refusal.Error.Code, refusal.Error.Message)
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

type message struct {
	Role      string     `json:"role"`
	Content   *string    `json:"content"`
	ToolCalls []toolCall `json:"tool_calls,omitempty"`
}

type toolCall struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

var functions = map[string]func(city string) string{
	"get_weather": func(string) string { return "sunny, 21 °C" },
	"get_time":    func(string) string { return "12:00" },
}

// run calls the function that the model named. A model may name one that does not exist: tell it rather than fail.
func run(name, arguments string) string {
	function, exists := functions[name]
	if !exists {
		return "There is no such function."
	}
	var input struct{ City string }
	if err := json.Unmarshal([]byte(arguments), &input); err != nil {
		return "The arguments are no JSON: " + err.Error()
	}
	return function(input.City)
}

func main() {
	parameters := object{
		"type":       "object",
		"properties": object{"city": object{"type": "string"}},
		"required":   []string{"city"},
	}
	tool := func(name, description string) object {
		function := object{"name": name, "description": description, "parameters": parameters}
		return object{"type": "function", "function": function}
	}
	tools := []object{tool("get_weather", "The weather in a city."), tool("get_time", "The local time in a city.")}
	messages := []any{object{"role": "user", "content": "What is the weather in Paris, and what time is it there?"}}

	for {
		var answer struct{ Choices []struct{ Message message } }
		err := call("POST", "/v1/chat/completions", object{
			"model":               "demo",
			"messages":            messages,
			"tools":               tools,
			"parallel_tool_calls": true,
		}, &answer)
		if err != nil {
			log.Fatal(err)
		}
		reply := answer.Choices[0].Message
		messages = append(messages, reply)
		if len(reply.ToolCalls) == 0 {
			fmt.Println(*reply.Content)
			return
		}
		for _, called := range reply.ToolCalls {
			fmt.Println(called.Function.Name, called.Function.Arguments)
			result := run(called.Function.Name, called.Function.Arguments)
			messages = append(messages, object{"role": "tool", "tool_call_id": called.ID, "content": result})
		}
	}
}
