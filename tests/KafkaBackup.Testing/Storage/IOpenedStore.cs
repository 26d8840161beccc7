using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Testing.Storage;

/// <summary>A store whose objects can be looked at, damaged and removed behind everybody's back.</summary>
public interface IOpenedStore : IStore
{
    byte[] this[string key] { get; set; }

    IReadOnlyList<string> Keys { get; }

    bool Remove(string key);
}
